import pytest

from libs.common.database.engine import Database
from libs.common.store.tables import core


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/ingest.db"
    return request.getfixturevalue("postgres_database")


@pytest.fixture
async def database(database_url):
    """The core tables, in either kind of database."""
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
    yield database
    await database.close()
