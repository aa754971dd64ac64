import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.documents import DocumentDeleted
from libs.common.store import inbox as inbox_module
from libs.common.store.inbox import MOST_ASKED, first_deliveries, unhandled_ids
from libs.common.store.tables import inbox


def deleted():
    return DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())


async def first_delivery(connection, consumer, event, **options):
    return bool(await first_deliveries(connection, consumer, [event], **options))


async def kept(database):
    async with database.reading() as connection:
        return (await connection.execute(select(inbox))).all()


async def test_knows_a_second_delivery(database):
    event = deleted()
    async with database.transaction() as connection:
        assert await first_delivery(connection, "synth", event)
        assert not await first_delivery(connection, "synth", event)
        assert await first_delivery(connection, "synth", deleted())
    async with database.transaction() as connection:
        assert not await first_delivery(connection, "synth", event)


async def test_of_several_the_new_ones_are_named(database):
    known, new, twice = deleted(), deleted(), deleted()
    async with database.transaction() as connection:
        assert await first_deliveries(connection, "synth", [known]) == {str(known.event_id)}
        found = await first_deliveries(connection, "synth", [known, new, twice, twice])
    assert found == {str(new.event_id), str(twice.event_id)}


async def test_each_consumer_has_its_own(database):
    event = deleted()
    async with database.transaction() as connection:
        assert await first_delivery(connection, "synth", event)
        assert await first_delivery(connection, "notifier", event)


async def test_a_rolled_back_delivery_was_none(database):
    event = deleted()

    async def fail():
        async with database.transaction() as connection:
            await first_delivery(connection, "synth", event)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with database.transaction() as connection:
        assert await first_delivery(connection, "synth", event)


async def test_of_deliveries_at_once_one_is_the_first(database):
    event = deleted()

    async def deliver():
        async with database.transaction() as connection:
            return await first_delivery(connection, "synth", event)

    assert sorted(await asyncio.gather(*(deliver() for _ in range(5)))) == [False] * 4 + [True]


async def test_keeps_the_event_only_where_that_is_asked_for(database):
    noted, whole = deleted(), deleted()
    async with database.transaction() as connection:
        await first_delivery(connection, "gateway", noted)
        await first_delivery(connection, "gateway", whole, keep=True)
    rows = {row.event_id: row for row in await kept(database)}
    bare, full = rows[str(noted.event_id)], rows[str(whole.event_id)]
    assert (bare.topic, bare.occurred_at, bare.body) == (None, None, None)
    assert (full.topic, full.occurred_at) == ("document.deleted", rfc3339(whole.occurred_at))
    assert DocumentDeleted.model_validate_json(full.body).document_id == whole.document_id
    assert full.received_at_ms > 0


async def test_of_an_event_that_cannot_be_read_only_its_id_is_kept(database):
    event = deleted()
    async with database.transaction() as connection:
        assert await inbox_module.first_delivery(connection, "gateway", event.event_id)
        assert not await inbox_module.first_delivery(connection, "gateway", event.event_id)
        assert await inbox_module.first_delivery(connection, "synth", event.event_id)
        assert not await first_delivery(connection, "gateway", event, keep=True)
    [row] = [row for row in await kept(database) if row.consumer == "gateway"]
    assert (row.event_id, row.topic, row.body) == (str(event.event_id), None, None)


async def test_what_a_consumer_lacks_is_told(database):
    events = [deleted() for _ in range(4)]
    ids = [str(event.event_id) for event in events]
    async with database.transaction() as connection:
        for event in events[:3]:
            await first_delivery(connection, "synth", event)
        await first_delivery(connection, "ingest", events[3])
        assert await unhandled_ids(connection, "synth", ids) == {ids[3]}
        assert await unhandled_ids(connection, "synth", ids[:3]) == set()
        assert await unhandled_ids(connection, "ingest", ids) == set(ids[:3])
        assert await unhandled_ids(connection, "ingest", []) == set()


async def test_as_many_ids_as_a_question_takes(database):
    async with database.reading() as connection:
        asked = [str(uuid4()) for _ in range(MOST_ASKED)]
        assert await unhandled_ids(connection, "synth", asked) == set(asked)
