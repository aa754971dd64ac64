from uuid import uuid4

import pytest
from sqlalchemy import select, update

from libs.common.contracts.documents import DocumentDeleted
from libs.common.database.wakeups import OUTBOX
from libs.common.store import resend
from libs.common.store.event_store import append
from libs.common.store.resend import SentEvent, first_open, sent_events, unsend
from libs.common.store.tables import events

TOPICS = [DocumentDeleted.topic]


@pytest.fixture
async def sent(database):
    """Seven events that were sent one after the other, at 1000, 1001 ... ms."""
    deleted = [
        DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4()) for _ in range(7)
    ]
    async with database.transaction() as connection:
        await append(connection, deleted)
        await connection.execute(update(events).values(sent_at_ms=events.c.id + 999))
    return [str(event.event_id) for event in deleted]


async def found(database, topics=TOPICS, **limits) -> list[list[SentEvent]]:
    async with database.reading() as connection:
        return [batch async for batch in sent_events(connection, topics, **limits)]


async def test_what_was_sent_comes_in_batches_and_in_order(database, sent, monkeypatch):
    monkeypatch.setattr(resend, "MOST_ASKED", 3)
    batches = await found(database)
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert [event.event_id for batch in batches for event in batch] == sent
    assert {event.topic for batch in batches for event in batch} == set(TOPICS)


async def test_a_full_last_batch_is_not_followed_by_an_empty_one(database, sent, monkeypatch):
    monkeypatch.setattr(resend, "MOST_ASKED", 7)
    assert [len(batch) for batch in await found(database)] == [7]


async def test_only_what_is_asked_for(database, sent):
    assert await found(database, topics=["audio.ready"]) == []
    (before,) = await found(database, sent_before_ms=1003)
    assert [event.event_id for event in before] == sent[:3]
    (behind,) = await found(database, after=5)
    assert [event.event_id for event in behind] == sent[-2:]


async def test_what_is_unsent_is_no_longer_found_and_counts_once(database, sent):
    (batch,) = await found(database)
    ids = [event.id for event in batch[:2]]
    wakeup = database.wakeups.lend(OUTBOX)
    async with database.transaction() as connection:
        assert await unsend(connection, ids) == 2
    assert wakeup.pending
    async with database.transaction() as connection:
        assert await unsend(connection, ids) == 0
        assert await unsend(connection, []) == 0
    (left,) = await found(database)
    assert [event.event_id for event in left] == sent[2:]
    async with database.reading() as connection:
        waiting = await connection.execute(
            select(events.c.event_id).where(events.c.sent_at_ms.is_(None))
        )
        assert set(waiting.scalars()) == set(sent[:2])


async def test_the_first_that_was_not_sent_by_then(database, sent):
    async with database.reading() as connection:
        assert await first_open(connection, TOPICS, after=0, sent_before_ms=1003) == 4
        assert await first_open(connection, TOPICS, after=5, sent_before_ms=1003) == 6
        assert await first_open(connection, TOPICS, after=0, sent_before_ms=9999) is None
        assert await first_open(connection, ["audio.ready"], after=0, sent_before_ms=0) is None
    async with database.transaction() as connection:
        await unsend(connection, [2])
        assert await first_open(connection, TOPICS, after=0, sent_before_ms=9999) == 2
