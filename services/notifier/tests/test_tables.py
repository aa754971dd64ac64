from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from libs.common.store.tables import NAMES, core
from services.notifier.tables import metadata

WHOLE = MetaData(naming_convention=NAMES)
for table in (*core.sorted_tables, *metadata.sorted_tables):
    table.to_metadata(WHOLE)


def differences(connection: Connection) -> Any:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return compare_metadata(context, WHOLE)


async def test_migrations_make_the_tables(world):
    async with world.database.transaction() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrations_make_the_tables_on_postgresql(postgres_world):
    async with postgres_world.database.transaction() as connection:
        assert await connection.run_sync(differences) == []
