import asyncio
from pathlib import Path

import pytest

from libs.common.database.engine import Database
from libs.common.runtime.pool import CpuPool
from libs.common.storage.memory import MemoryStorage
from libs.common.store.migrate import upgrade
from services import synth
from services.synth.synthesis.cache.segment_cache import PackedSegments


@pytest.fixture(scope="session")
def pool():
    """One worker process for all tests of the service: to start one takes longer than they do."""
    pool = CpuPool(1)
    yield pool
    asyncio.run(pool.close())


@pytest.fixture
def storage():
    return MemoryStorage()


@pytest.fixture
async def database(tmp_path):
    """The migrated database of synth."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/synth.db")
    await upgrade(database, Path(synth.__path__[0]) / "migrations")
    yield database
    await database.close()


@pytest.fixture
def cache(database, storage):
    """A segment cache without segments."""
    return PackedSegments(database, storage, max_bytes=10**9)
