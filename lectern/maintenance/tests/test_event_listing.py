from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update

from lectern.maintenance.event_listing import Sought, list_events
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.store.event_store import append
from libs.common.store.tables import outbox

OWNER = uuid4()


@pytest.fixture
async def happened(database):
    """Three events: one that was sent, one that waits, one that was refused."""
    first, second = uuid4(), uuid4()
    about = [
        DocumentRejected(document_id=first, owner_id=OWNER, code="c", details=None),
        DocumentRejected(document_id=second, owner_id=OWNER, code="c", details=None),
        DocumentDeleted(document_id=second, owner_id=OWNER, deleted_by=OWNER),
    ]
    async with database.transaction() as connection:
        await append(connection, about)
        await connection.execute(delete(outbox).where(outbox.c.id == 1))
        aside = update(outbox).where(outbox.c.id == 3)
        await connection.execute(aside.values(refused="PolicyViolationError"))
    return about


async def test_all_are_told_with_what_became_of_them(database, happened):
    listed = await list_events(database, Sought(), 10)
    assert [event.place for event in listed] == [1, 2, 3]
    assert [event.state for event in listed] == ["sent", "waits", "refused: PolicyViolationError"]
    told = [(e.stream, e.topic, e.occurred_at, UUID(str(e.event_id))) for e in listed]
    assert told == [(e.stream, e.topic, rfc3339(e.occurred_at), e.event_id) for e in happened]
    assert [event.version for event in listed] == [1, 1, 2]


async def test_each_condition_finds_those_of_which_it_is_true(database, happened):
    rejected, other, deleted = happened
    expected = [
        (Sought(key=str(other.document_id)), [2, 3]),
        (Sought(event_id=deleted.event_id), [3]),
        (Sought(topic=DocumentRejected.topic), [1, 2]),
        (Sought(stream=rejected.stream), [1]),
        (Sought(since=rfc3339(other.occurred_at)), [2, 3]),
        (Sought(until=rfc3339(other.occurred_at)), [1]),
        (Sought(waiting=True), [2]),
        (Sought(refused=True), [3]),
        (Sought(after=1, topic=DocumentRejected.topic), [2]),
        (Sought(key=str(rejected.document_id), waiting=True), []),
    ]
    for sought, places in expected:
        assert [e.place for e in await list_events(database, sought, 10)] == places, sought


async def test_no_more_come_than_are_asked_for(database, happened):
    assert [event.place for event in await list_events(database, Sought(), 2)] == [1, 2]
