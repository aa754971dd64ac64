import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.documents import DocumentDeleted
from libs.common.store.inbox import (
    MOST_ASKED,
    Arrival,
    first_deliveries,
    give_up,
    state_of,
    unhandled_ids,
)
from libs.common.store.tables import inbox


def deleted():
    return DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())


HERE, AGAIN = "0/7/1", "0/50/2"


def arrival(event, place=HERE):
    return Arrival(str(event.event_id), place, event)


async def first_delivery(connection, consumer, event, **options):
    return bool(await first_deliveries(connection, consumer, [arrival(event)], **options))


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
        assert await first_deliveries(connection, "synth", [arrival(known)]) == {
            str(known.event_id)
        }
        some = [arrival(event) for event in (known, new, twice, twice)]
        found = await first_deliveries(connection, "synth", some)
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
    unreadable = arrival(event)._replace(event=None)
    async with database.transaction() as connection:
        assert await give_up(connection, "gateway", unreadable, keep=True)
        assert not await give_up(connection, "gateway", unreadable, keep=True)
        assert await give_up(connection, "synth", unreadable)
        assert not await first_delivery(connection, "gateway", event, keep=True)
    [row] = [row for row in await kept(database) if row.consumer == "gateway"]
    assert (row.event_id, row.topic, row.body) == (str(event.event_id), None, None)
    assert row.given_up == HERE


async def test_what_was_given_up_is_new_in_another_record(database):
    given_up, handled = deleted(), deleted()
    async with database.transaction() as connection:
        assert await give_up(connection, "synth", arrival(given_up))
        assert await first_delivery(connection, "synth", handled)
        for event, place, state in [
            (given_up, HERE, "given_up"),
            (given_up, AGAIN, "new"),
            (handled, HERE, "handled"),
            (handled, AGAIN, "handled"),
            (deleted(), HERE, "new"),
        ]:
            assert await state_of(connection, "synth", arrival(event, place)) == state
    async with database.transaction() as connection:
        again = [arrival(given_up), arrival(given_up, AGAIN), arrival(handled, AGAIN)]
        found = await first_deliveries(connection, "synth", again, keep=True)
        assert found == {str(given_up.event_id)}
        assert await first_deliveries(connection, "synth", again) == set()
        assert not await give_up(connection, "synth", arrival(given_up, "0/9/3"))
    rows = {row.event_id: row for row in await kept(database)}
    assert rows[str(given_up.event_id)].body == given_up.encode()
    assert {row.given_up for row in rows.values()} == {None}


async def test_what_was_given_up_may_be_given_up_again(database):
    event = deleted()
    async with database.transaction() as connection:
        assert await give_up(connection, "synth", arrival(event))
        assert await give_up(connection, "synth", arrival(event, AGAIN))
        assert not await give_up(connection, "synth", arrival(event, AGAIN))
        assert await state_of(connection, "synth", arrival(event, AGAIN)) == "given_up"


async def test_what_was_given_up_is_not_lost(database):
    """It is not sent again by itself: it would be given up for ever."""
    event = deleted()
    async with database.transaction() as connection:
        await give_up(connection, "synth", arrival(event))
        assert await unhandled_ids(connection, "synth", [str(event.event_id)]) == set()


async def test_of_those_who_handle_it_again_at_once_one_is_the_first(database):
    event = deleted()
    async with database.transaction() as connection:
        await give_up(connection, "synth", arrival(event))

    async def deliver():
        async with database.transaction() as connection:
            return await first_deliveries(connection, "synth", [arrival(event, AGAIN)])

    found = await asyncio.gather(*(deliver() for _ in range(5)))
    assert sorted(found, key=len) == [set()] * 4 + [{str(event.event_id)}]


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
