from pathlib import Path

import pytest

from libs.common.database.engine import Database
from libs.common.store.migrate import upgrade
from services import ingest


@pytest.fixture
async def database(tmp_path):
    """The migrated database of ingest."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/ingest.db")
    await upgrade(database, Path(ingest.__path__[0]) / "migrations")
    yield database
    await database.close()
