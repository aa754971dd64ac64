from pathlib import Path

import pytest

from libs.common.database.engine import Database
from libs.common.store.migrate import upgrade
from services import segmenter


@pytest.fixture
async def database(tmp_path):
    """The migrated database of the segmenter."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/segmenter.db")
    await upgrade(database, Path(segmenter.__path__[0]) / "migrations")
    yield database
    await database.close()
