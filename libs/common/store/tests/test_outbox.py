from uuid import uuid4

from sqlalchemy import select

from libs.common.contracts.documents import DocumentDeleted
from libs.common.store.event_store import append
from libs.common.store.outbox import count_unsent, mark_sent, unsent
from libs.common.store.tables import events, now_ms


async def given(database, count):
    made = [
        DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
        for _ in range(count)
    ]
    async with database.transaction() as connection:
        await append(connection, made)
    return [str(event.event_id) for event in made]


async def test_the_oldest_come_first_and_no_more_than_asked_for(database):
    ids = await given(database, 3)
    async with database.querying() as connection:
        assert await count_unsent(connection) == 3
        found = await unsent(connection, 2)
        assert [stored.event_id for stored in found] == ids[:2]
        assert len(await unsent(connection, 9)) == 3


async def test_what_was_sent_is_not_there_any_more_whatever_its_number(database):
    ids = await given(database, 3)
    async with database.transaction() as connection:
        first, second, third = await unsent(connection, 3)
        await mark_sent(connection, [first, third])
        assert await unsent(connection, 9) == [second]
        assert await count_unsent(connection) == 1
        assert await count_unsent(connection, up_to=first.id) == 0
        assert await count_unsent(connection, up_to=second.id) == 1
        moments = await connection.execute(
            select(events.c.event_id, now_ms() - events.c.sent_at_ms).order_by(events.c.id)
        )
        age = dict(tuple(row) for row in moments)
    assert age[ids[1]] is None
    assert all(0 <= age[event_id] < 60_000 for event_id in (ids[0], ids[2]))


async def test_nothing_is_marked_where_nothing_was_sent(database):
    await given(database, 1)
    async with database.transaction() as connection:
        await mark_sent(connection, [])
        assert await count_unsent(connection) == 1
