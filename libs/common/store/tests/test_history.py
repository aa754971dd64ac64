from uuid import uuid4

from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.store.event_store import append
from libs.common.store.history import History


def rejected(document_id, code):
    return DocumentRejected(document_id=document_id, owner_id=uuid4(), code=code, details=None)


async def add(database, *events):
    for event in events:
        async with database.transaction() as connection:
            await append(connection, [event])


async def test_events_of_one_type_in_their_order(database):
    mine, other = uuid4(), uuid4()
    first, last = rejected(mine, "first"), rejected(mine, "last")
    await add(
        database,
        first,
        DocumentDeleted(document_id=mine, owner_id=uuid4(), deleted_by=uuid4()),
        rejected(other, "x"),
        last,
    )
    history = History(database)
    assert await history.of(first.stream, DocumentRejected) == [first, last]
    assert [type(event) for event in await history.of(first.stream, DocumentDeleted)] == [
        DocumentDeleted
    ]


async def test_several_streams_oldest_first(database):
    one, two, three = (rejected(uuid4(), code) for code in "abc")
    await add(database, one, two, three)
    streams = [three.stream, one.stream]
    assert await History(database).of_many(streams, DocumentRejected) == [one, three]


async def test_an_unknown_stream_and_no_stream_have_no_events(database):
    history = History(database)
    assert await history.of("document/nobody", DocumentRejected) == []
    assert await history.of_many([], DocumentRejected) == []


async def test_sees_what_was_added_meanwhile(database):
    event = rejected(uuid4(), "late")
    history = History(database)
    assert await history.of(event.stream, DocumentRejected) == []
    await add(database, event)
    assert await history.of(event.stream, DocumentRejected) == [event]
