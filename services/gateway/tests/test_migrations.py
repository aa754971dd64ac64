from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, text

from libs.common.tables import core
from services.gateway.tables import metadata


def everything():
    merged = MetaData()
    for each in (core, metadata):
        for table in each.tables.values():
            table.to_metadata(merged)
    return merged


def index_sql(connection):
    """Every index with its condition, which compare_metadata doesn't look at."""
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    )
    return {name: " ".join(sql.split()) for name, sql in rows}


async def test_migrations_lead_to_the_declared_tables(world):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [
            each
            for each in compare_metadata(context, everything())
            if "alembic_version" not in str(each)
        ]

    async with world.database.reading() as connection:
        assert await connection.run_sync(differences) == []
        migrated = await connection.run_sync(index_sql)

    engine = create_engine("sqlite://")
    with engine.begin() as declared:
        everything().create_all(declared)
        assert index_sql(declared) == migrated
    engine.dispose()
