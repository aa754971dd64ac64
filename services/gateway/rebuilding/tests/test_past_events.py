import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import insert, text, update

from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from libs.common.store.event_store import append
from libs.common.store.inbox import Arrival, first_deliveries, give_up
from libs.common.store.migrate import upgrade
from libs.common.store.tables import inbox
from libs.common.testing.records import arrival
from services.gateway.rebuilding import past_events, sessions
from services.gateway.rebuilding.past_events import (
    Bound,
    Position,
    Sources,
    committed_bound,
    next_chunk,
)
from services.gateway.rebuilding.sessions import Waiting
from services.gateway.rebuilding.tests.conftest import MIGRATIONS

SOURCES = Sources(own=[DocumentDeleted.topic], received=[DocumentRejected.topic])


def unheard(_):
    """Nobody listens."""


class Seeing(Waiting):
    """Notes when it was told of somebody who is waited for."""

    def __init__(self):
        super().__init__(unheard, 60)
        self.seen = asyncio.Event()

    def check(self, sessions):
        super().check(sessions)
        self.seen.set()


def deleted():
    return DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())


def rejected():
    return DocumentRejected(document_id=uuid4(), owner_id=uuid4(), code="c", details=None)


async def receive(connection, events, at_ms):
    await first_deliveries(connection, "gateway", [arrival(event) for event in events], keep=True)
    for event, moment in zip(events, at_ms, strict=True):
        row = inbox.c.event_id == str(event.event_id)
        await connection.execute(update(inbox).where(row).values(received_at_ms=moment))


@pytest.fixture
async def kept(database, monkeypatch):
    """Three own events, and five that were received, three of them in one millisecond."""
    monkeypatch.setattr(past_events, "CHUNK", 2)
    own, received = [deleted() for _ in range(3)], [rejected() for _ in range(5)]
    async with database.transaction() as connection:
        await append(connection, own)
        await append(connection, [rejected()])  # what it does not fold
        await receive(connection, received, [10, 20, 20, 20, 30])
        unread = {"consumer": "gateway", "event_id": str(uuid4()), "received_at_ms": 15}
        await connection.execute(insert(inbox).values(unread))
    return [str(event.event_id) for event in own], {str(event.event_id) for event in received}


async def read(database, until=None, after=None):
    position = after or Position()
    found: list[str] = []
    while True:
        async with database.querying() as connection:
            chunk, position = await next_chunk(connection, SOURCES, position, until)
        if not chunk:
            return found
        assert len(chunk) <= 2
        found += [event_id for _, _, event_id, _ in chunk]


async def test_all_of_it_comes_once_in_chunks(database, kept):
    own, received = kept
    found = await read(database)
    assert found[:3] == own
    assert set(found[3:]) == received
    assert len(found) == 8


async def test_what_was_given_up_is_no_history_until_it_is_handled(database):
    event = rejected()
    async with database.transaction() as connection:
        assert await give_up(connection, "gateway", arrival(event), keep=True)
    assert await read(database) == []
    async with database.transaction() as connection:
        again = Arrival(str(event.event_id), "0/9/9", event)
        assert await first_deliveries(connection, "gateway", [again], keep=True)
    assert await read(database) == [str(event.event_id)]


async def test_nothing_beyond_the_bound(database, kept):
    own, _ = kept
    found = await read(database, Bound(own=2, received_ms=20))
    assert found[:2] == own[:2]
    assert len(found) == 3
    assert await read(database, Bound(own=2, received_ms=20), Position(own=2, received_ms=20)) == []


def test_the_next_pass_begins_a_little_before():
    start = Bound(own=5000, received_ms=100_000).start_of_next()
    assert start == Position(own=4000, received_ms=40_000)
    assert Bound(own=5, received_ms=5).start_of_next() == Position()


async def test_a_bound_waits_for_who_is_writing(postgres_database, monkeypatch):
    monkeypatch.setattr(past_events, "LOOK_EVERY_S", 0.005)
    database = Database(postgres_database)
    await upgrade(database, MIGRATIONS)
    early, late = deleted(), deleted()
    waiting = Seeing()
    async with database.transaction() as writing:
        await append(writing, [early])
        async with database.transaction() as connection:
            await append(connection, [late])  # a higher id, committed first
        found = asyncio.create_task(committed_bound(database, waiting))
        await asyncio.wait_for(waiting.seen.wait(), 60)
        assert not found.done()
    bound = await found
    assert set(await read(database, bound)) == {str(early.event_id), str(late.event_id)}
    await database.close()


async def test_a_bound_that_waits_for_too_long_names_who_it_waited_for(
    postgres_database, monkeypatch
):
    monkeypatch.setattr(sessions, "TELL_EVERY_S", 0.05)
    database = Database(postgres_database)
    await upgrade(database, MIGRATIONS)
    told: list[str] = []
    async with database.transaction() as writing:
        await writing.execute(text("SET LOCAL application_name = 'a report'"))
        await append(writing, [deleted()])
        with pytest.raises(Unavailable, match=r"waited 0.2 s .*\(a report\), idle in transaction"):
            await committed_bound(database, Waiting(told.append, 0.2))
    assert "(a report)" in told[0]
    assert (await committed_bound(database, Waiting(unheard, 0))).own == 1
    await database.close()


async def test_a_bound_is_behind_all_that_is_there(database):
    async with database.transaction() as connection:
        await append(connection, [deleted(), deleted()])
    bound = await committed_bound(database, Waiting(unheard, 60))
    assert bound.own == 2
    assert len(await read(database, bound)) == 2
