"""A migrated database, and servers to send to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.database.engine import Database
from libs.common.store.migrate import upgrade
from services.notifier.tests.servers import Mailbox, Receiver, mail_server, receiving
from services.notifier.tests.world import World

MIGRATIONS = Path(__file__).parents[0] / "migrations"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/notifier.db")
    await upgrade(database, MIGRATIONS)
    yield World(database)
    await database.close()


@pytest.fixture
async def postgres_world(postgres_database: str) -> AsyncIterator[World]:
    database = Database(postgres_database)
    await upgrade(database, MIGRATIONS)
    yield World(database)
    await database.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with mail_server() as found:
        yield found
