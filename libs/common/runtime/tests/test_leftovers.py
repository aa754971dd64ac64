import asyncio
import tempfile
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text

from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.runtime import leftovers as leftovers_module
from libs.common.runtime.leftovers import Leftovers
from libs.common.storage.folder import INCOMING, FolderStorage
from libs.common.store import handled_ids
from libs.common.store.tables import core, handled, inbox
from libs.common.testing.killing import let_go_of
from libs.common.work_folders import LockedFolder

PATIENCE_S = 10.0


def killed_in(parent):
    """Leave a folder in ``parent`` as a killed process does."""
    folder = LockedFolder(parent)
    (folder.path / "page").write_bytes(b"what it says")
    path = folder.path
    let_go_of(folder)
    return path


def leftovers_of(**options):
    return Leftovers(service="synth", metrics=Metrics("synth"), **options)


async def until_gone(*folders):
    async with asyncio.timeout(PATIENCE_S):
        while any(folder.exists() for folder in folders):
            await asyncio.sleep(0.01)


class Counting(FolderStorage):
    """A storage that counts the rounds that have come to it, after the temporary folders."""

    rounds = 0

    async def remove_leftovers(self) -> None:
        await super().remove_leftovers()
        self.rounds += 1


async def rounds_of(storage, count):
    async with asyncio.timeout(PATIENCE_S):
        while storage.rounds < count:
            await asyncio.sleep(0.01)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def objects(tmp_path):
    return tmp_path / "objects"


async def test_leftovers_go_at_the_start(temporary, objects, database):
    left = killed_in(temporary), killed_in(objects / INCOMING)
    leftovers = leftovers_of(storage=FolderStorage(objects), database=database, every_s=3600.0)
    running = asyncio.create_task(leftovers.run())
    await until_gone(*left)
    leftovers.stop()
    await asyncio.wait_for(running, PATIENCE_S)
    assert list(temporary.iterdir()) == list((objects / INCOMING).iterdir()) == []


async def test_what_is_left_later_goes_later(temporary, objects, database):
    storage = Counting(objects)
    leftovers = leftovers_of(storage=storage, database=database, every_s=0.01)
    running = asyncio.create_task(leftovers.run())
    await rounds_of(storage, 1)
    await until_gone(killed_in(temporary), killed_in(objects / INCOMING))
    leftovers.stop()
    await asyncio.wait_for(running, PATIENCE_S)


class Away(Counting):
    """A storage that cannot be reached at first."""

    async def remove_leftovers(self) -> None:
        await super().remove_leftovers()
        if self.rounds == 1:
            raise Unavailable("gone")


async def test_a_round_that_fails_is_not_the_last(temporary, objects, database):
    storage = Away(objects)
    leftovers = leftovers_of(storage=storage, database=database, every_s=0.01)
    running = asyncio.create_task(leftovers.run())
    await rounds_of(storage, 2)
    leftovers.stop()
    await asyncio.wait_for(running, PATIENCE_S)


async def test_the_log_of_an_idle_database_is_emptied(temporary, objects, tmp_path):
    idle = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    async with idle.transaction() as connection:
        await connection.run_sync(core.create_all)
        await connection.execute(text("CREATE TABLE pages (said TEXT)"))
        await connection.execute(text("INSERT INTO pages VALUES ('canary')"))
    async with idle.transaction() as connection:
        await connection.execute(text("DELETE FROM pages"))
    file, wal = tmp_path / "a.db", tmp_path / "a.db-wal"
    assert b"canary" in wal.read_bytes()
    leftovers = leftovers_of(storage=Away(objects), database=idle, every_s=3600.0)
    running = asyncio.create_task(leftovers.run())
    async with asyncio.timeout(PATIENCE_S):
        while wal.read_bytes():
            await asyncio.sleep(0.01)
    assert b"canary" not in file.read_bytes()
    leftovers.stop()
    await asyncio.wait_for(running, PATIENCE_S)
    await idle.close()


@pytest.fixture
async def old(database, monkeypatch):
    """A database whose inbox has more old ids than are packed in a transaction."""
    monkeypatch.setattr(handled_ids, "IDS_AT_ONCE", 2)
    monkeypatch.setattr(leftovers_module, "IDS_AT_ONCE", 2)
    rows = [
        {"consumer": "synth", "event_id": str(UUID(int=number)), "received_at_ms": 1}
        for number in range(1, 6)
    ]
    async with database.transaction() as connection:
        await connection.execute(insert(inbox), rows)
    return database


async def run_once(leftovers):
    running = asyncio.create_task(leftovers.run())
    await rounds_of(leftovers.storage, 1)
    async with asyncio.timeout(PATIENCE_S):
        while not leftovers.keep_events and await leftovers.database.fetch(select(inbox)):
            await asyncio.sleep(0.01)
    leftovers.stop()
    await asyncio.wait_for(running, PATIENCE_S)


async def test_old_ids_go_into_packs(temporary, objects, old):
    leftovers = leftovers_of(storage=Counting(objects), database=old, every_s=3600.0)
    await run_once(leftovers)
    (row,) = await old.fetch(select(handled))
    assert len(row.ids) == 5 * 16
    assert leftovers.metrics.inbox_packed_total.collect()[0].samples[0].value == 5


async def test_where_the_inbox_keeps_events_it_is_not_looked_through(temporary, objects, old):
    leftovers = leftovers_of(storage=Counting(objects), database=old, keep_events=True)
    await run_once(leftovers)
    assert await old.fetch(select(handled)) == []
