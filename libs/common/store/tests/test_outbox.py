from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.documents import DocumentDeleted
from libs.common.database.wakeups import OUTBOX
from libs.common.store import outbox as outbox_module
from libs.common.store.event_store import append
from libs.common.store.leases import Lease, take
from libs.common.store.outbox import (
    count_refused,
    count_unsent,
    ids_in_outbox,
    remove_sent,
    send_again,
    set_aside,
    unsent,
)
from libs.common.store.tables import events, outbox


async def given(database, count):
    made = [
        DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
        for _ in range(count)
    ]
    async with database.transaction() as connection:
        await append(connection, made)
    return [str(event.event_id) for event in made]


@pytest.fixture
async def lease(database):
    async with database.transaction() as connection:
        return await take(connection, "relay", 60_000)


async def test_the_oldest_come_first_and_no_more_than_asked_for(database):
    ids = await given(database, 3)
    async with database.querying() as connection:
        assert await count_unsent(connection) == 3
        found = await unsent(connection, 2)
        assert [stored.event_id for stored in found] == ids[:2]
        assert len(await unsent(connection, 9)) == 3
        assert await unsent(connection, 9, [DocumentDeleted.topic]) == []
        assert len(await unsent(connection, 9, ["audio.ready"])) == 3


async def test_what_was_appended_in_a_transaction_that_failed_is_not_there(database):
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())

    async def fail():
        async with database.transaction() as connection:
            await append(connection, [event])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await database.fetch(select(outbox)) == []


async def test_what_was_sent_is_not_there_any_more_whatever_its_number(
    database, lease, monkeypatch
):
    monkeypatch.setattr(outbox_module, "MOST_IDS", 1)
    await given(database, 3)
    async with database.transaction() as connection:
        first, second, third = await unsent(connection, 3)
        await remove_sent(connection, lease, [first.id, third.id])
        assert await unsent(connection, 9) == [second]
        assert await count_unsent(connection) == 1
        assert await count_unsent(connection, up_to=first.id) == 0
        assert await count_unsent(connection, up_to=second.id) == 1
        assert await ids_in_outbox(connection) == {second.id}
        await remove_sent(connection, lease, [])
        assert await count_unsent(connection) == 1


async def test_who_lost_the_lease_changes_nothing(database, lease):
    await given(database, 2)
    before = Lease(lease.name, lease.token - 1)
    async with database.transaction() as connection:
        first, second = await unsent(connection, 2)
        await remove_sent(connection, before, [first.id])
        await set_aside(connection, before, {second.id: "TooLarge"})
        assert await unsent(connection, 9) == [first, second]


async def test_what_was_refused_waits_no_longer_until_it_is_sent_again(database, lease):
    await given(database, 2)
    wakeup = database.wakeups.lend(OUTBOX)
    async with database.transaction() as connection:
        first, second = await unsent(connection, 2)
        await set_aside(connection, lease, {first.id: "T" * 99})
        assert await unsent(connection, 9) == [second]
        assert (await count_refused(connection), await count_unsent(connection)) == (1, 1)
        assert await ids_in_outbox(connection) == {first.id, second.id}
    assert not wakeup.pending
    async with database.transaction() as connection:
        assert await send_again(connection, [first.id, second.id]) == 1
    assert wakeup.pending
    async with database.transaction() as connection:
        assert await unsent(connection, 9) == [first, second]
        assert await send_again(connection, [first.id]) == 0
        assert await send_again(connection, []) == 0


async def test_what_was_sent_is_sent_again(database, lease):
    await given(database, 2)
    async with database.transaction() as connection:
        rows = await unsent(connection, 2)
        places = [row.id for row in rows]
        await remove_sent(connection, lease, places)
        assert await send_again(connection, places) == 2
        assert await unsent(connection, 9) == rows
    assert len(await database.fetch(select(events.c.id))) == 2
