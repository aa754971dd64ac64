import asyncio
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, inspect, text

from libs.common.database.engine import Database
from libs.common.store.migrate import upgrade
from libs.common.store.tables import NAMES, core

SERVICES = Path(__file__).resolve().parents[4] / "services"
NAMES_OF_SERVICES = sorted(path.parent.name for path in SERVICES.glob("*/migrations"))


@pytest.fixture(params=NAMES_OF_SERVICES)
def service(request):
    """The name of each service in turn."""
    return request.param


@pytest.fixture
async def empty(database_url):
    """A database without tables, of either kind."""
    database = Database(database_url)
    yield database
    await database.close()


def migrations(service):
    return SERVICES / service / "migrations"


def declared(service):
    """The core tables and those of the service, wherever in it they are declared."""
    merged = MetaData(naming_convention=NAMES)
    own = [
        import_module(".".join(path.relative_to(SERVICES.parent).with_suffix("").parts)).metadata
        for path in sorted((SERVICES / service).rglob("tables.py"))
    ]
    for metadata in (core, *own):
        for table in metadata.tables.values():
            if table.name not in merged.tables:
                table.to_metadata(merged)
    return merged


def index_sql(connection):
    """Every index of SQLite with its condition, which compare_metadata does not look at."""
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    )
    return {name: " ".join(sql.split()) for name, sql in rows}


@pytest.mark.slow
async def test_migrations_lead_to_the_declared_tables(empty, service):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, declared(service))
        return [change for change in found if "alembic_version" not in str(change)]

    await upgrade(empty, migrations(service))
    await upgrade(empty, migrations(service))
    async with empty.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrations_lead_to_the_declared_indexes(tmp_path, service):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    await upgrade(database, migrations(service))
    async with database.reading() as connection:
        migrated = await connection.run_sync(index_sql)
    await database.close()
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        declared(service).create_all(connection)
        assert index_sql(connection) == migrated
    engine.dispose()


def test_every_service_has_migrations():
    assert NAMES_OF_SERVICES == ["gateway", "ingest", "notifier", "segmenter", "synth"]


@pytest.mark.slow
async def test_of_several_processes_one_migrates(empty, database_url):
    others = [Database(database_url) for _ in range(2)]
    await asyncio.gather(
        *(upgrade(database, migrations("segmenter")) for database in (empty, *others))
    )
    async with empty.reading() as connection:
        versions = (await connection.execute(text("SELECT * FROM alembic_version"))).all()
    assert len(versions) == 1
    for database in others:
        await database.close()


async def test_a_migration_that_fails_leaves_nothing(empty, tmp_path):
    folder = tmp_path / "100% ours"  # a percent sign has a meaning in Alembic's configuration
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text("from libs.common.store.migrate import run\n\nrun()\n")
    revision = (
        "from libs.common.store.migrate import create_core_tables_v1\n{}\n\ndef upgrade():\n    {}"
    )
    heading = 'revision = "{}"\ndown_revision = {}'
    first = revision.format(heading.format("1", "None"), "create_core_tables_v1()")
    broken = revision.format(heading.format("2", '"1"'), 'raise LookupError("broken")')
    (folder / "versions/1.py").write_text(first)
    (folder / "versions/2.py").write_text(broken)
    with pytest.raises(LookupError, match="broken"):
        await upgrade(empty, folder)
    async with empty.reading() as connection:
        assert (
            await connection.run_sync(lambda connected: inspect(connected).get_table_names()) == []
        )
    (folder / "versions/2.py").unlink()
    await upgrade(empty, folder)
    async with empty.reading() as connection:
        found = await connection.run_sync(lambda connected: inspect(connected).get_table_names())
    assert set(core.tables) <= set(found)
