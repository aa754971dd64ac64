"""The gateway's database, migrated, of either kind."""

from pathlib import Path

import pytest

from libs.common.database.engine import Database
from libs.common.store.migrate import upgrade

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    return request.getfixturevalue("postgres_database")


@pytest.fixture
async def database(database_url):
    """A gateway's database in which nothing happened yet."""
    database = Database(database_url)
    await upgrade(database, MIGRATIONS)
    yield database
    await database.close()
