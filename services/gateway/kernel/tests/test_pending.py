"""Objects that wait for their transaction; what people do with them is in test_commands.py."""

import asyncio

import pytest
from sqlalchemy import select, text, update

from libs.common.errors import Rejected, Unavailable
from libs.common.store.jobs.claiming import SlotRequest, claim
from libs.common.store.jobs.due import make_ready
from libs.common.store.tables import jobs
from services.gateway.kernel.jobs import REMOVE_PENDING
from services.gateway.kernel.pending import PendingObjects, taken
from services.gateway.tests.world import a_world

KEY = "documents/1/source.0"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    if request.param == "sqlite":
        return None
    return request.getfixturevalue("postgres_database")


@pytest.fixture
async def world(database_url, tmp_path):
    async with a_world(tmp_path, database_url) as world:
        yield world


def away(*_):
    raise Unavailable("no database")


async def store(world):
    async with PendingObjects(world.kernel).storing(KEY):
        await world.storage.write(KEY, b"x")


async def take(world):
    async with world.kernel.transaction() as command:
        await command.apply([taken(KEY)])


async def all_due(world):
    async with world.database.transaction() as connection:
        await connection.execute(update(jobs).values(run_at_ms=0))


async def rows(world):
    return await world.database.fetch(select(jobs.c.status).where(jobs.c.kind == "remove_pending"))


async def test_what_was_taken_leaves_no_row_and_stays(world):
    await store(world)
    await take(world)
    assert await rows(world) == []
    await PendingObjects(world.kernel).discard(KEY)  # as after a lost answer
    await world.work()
    assert await world.storage.stat(KEY) == 1


async def test_what_is_being_removed_can_no_longer_be_taken(world):
    await store(world)
    await all_due(world)
    with pytest.raises(Rejected) as refused:
        await take(world)
    assert refused.value.code == "too_slow"
    async with world.database.transaction() as connection:
        await make_ready(connection, [REMOVE_PENDING.name])
        assert await claim(
            connection, SlotRequest(kind=REMOVE_PENDING.name, free=1, share=1, most=1), 0
        )
    with pytest.raises(Rejected):
        await take(world)
    await world.work()
    with pytest.raises(Rejected):
        await take(world)
    assert await world.storage.stat(KEY) is None


async def test_nothing_is_stored_without_a_deadline(world, monkeypatch):
    monkeypatch.setattr(type(world.kernel), "transaction", away)
    with pytest.raises(Unavailable):
        await store(world)
    assert await world.storage.stat(KEY) is None


async def test_what_fails_is_told_though_it_cannot_be_removed_now(world, monkeypatch):
    async def store_and_fail(patched):
        async with PendingObjects(world.kernel).storing(KEY):
            await world.storage.write(KEY, b"x")
            patched.setattr(type(world.kernel), "transaction", away)
            raise ValueError("first")

    with monkeypatch.context() as patched, pytest.raises(ValueError, match="first"):
        await store_and_fail(patched)
    assert await rows(world) == [("waiting",)]
    await all_due(world)
    await world.work()
    assert await world.storage.stat(KEY) is None


async def until_somebody_waits(world):
    """Return when somebody waits for the transaction that is open: on SQLite for its end."""
    blocked = text(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(30):
        while not (
            world.database._writers.waiting
            if world.database.sqlite
            else await world.database.fetch(blocked)
        ):
            await asyncio.sleep(0.01)


async def test_discarding_waits_for_a_transaction_that_takes(world):
    await store(world)
    async with world.kernel.transaction() as command:
        await command.apply([taken(KEY)])
        discarding = asyncio.create_task(PendingObjects(world.kernel).discard(KEY))
        await until_somebody_waits(world)
    await discarding
    await world.work()
    assert await world.storage.stat(KEY) == 1


async def test_a_removal_that_fails_is_tried_again(world, monkeypatch):
    async def away(*_):
        raise Unavailable("no storage")

    await store(world)
    await all_due(world)
    with monkeypatch.context() as patched:
        patched.setattr(type(world.storage), "delete_prefix", away)
        await world.work()
    await all_due(world)
    await world.work()
    assert await world.storage.stat(KEY) is None
