"""What one record leaves behind that was not handled; test_consumer.py has the loop around it."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.audio import AudioDeleted
from libs.common.errors import Malformed, Rejected
from libs.common.observability.metrics import Metrics
from libs.common.processing.dead_letters import DeadLetters
from libs.common.processing.delivery import read_delivery
from libs.common.processing.event_failures import EventFailures
from libs.common.processing.failures import Failures
from libs.common.processing.routes import on
from libs.common.storage.memory import MemoryStorage
from libs.common.store.inbox import Arrival, first_deliveries
from libs.common.store.tables import events, inbox
from libs.common.testing.records import record

ERROR = Rejected("encrypted", "It is protected.")
UNREADABLE = Malformed("AudioDeleted", "the value is not a JSON object")


async def nothing(event):
    return []


ROUTES = {AudioDeleted.topic: on(AudioDeleted, nothing)}


class World:
    """A service that gives events up, and what that leaves."""

    def __init__(self, database, keep_events=False):
        self.database, self.storage, self.letters = database, MemoryStorage(), []
        self.metrics = Metrics("synth")
        self.failures = EventFailures(
            database=database,
            service="synth",
            failures=Failures(
                service="synth", metrics=self.metrics, storage=self.storage, database=database
            ),
            dead_letters=DeadLetters(self, "synth", max_in_place_s=60.0),
            metrics=self.metrics,
            keep_events=keep_events,
        )

    async def send_and_wait(self, topic, value, key, *, headers):
        self.letters.append(topic)

    async def give_up(self, found):
        delivery = read_delivery(found, ROUTES)
        assert delivery is not None
        return await self.failures.give_up(delivery, ERROR, 3)

    async def cannot_read(self, found, wanted=ROUTES):
        await self.failures.give_up_unreadable(found, UNREADABLE, wanted)

    async def left(self):
        """How many events, objects and dead letters there are."""
        stored = await self.database.fetch(select(events))
        return len(stored), len(self.storage.objects), len(self.letters)


@pytest.fixture
def world(database):
    return World(database)


def deleted():
    return AudioDeleted(document_id=uuid4(), owner_id=uuid4(), audio_id=uuid4(), deleted_by=uuid4())


async def test_a_record_is_given_up_once_and_once_more_when_it_is_sent_again(world):
    event = deleted()
    assert await world.give_up(record(event))
    assert await world.left() == (1, 1, 1)
    assert not await world.give_up(record(event))
    assert await world.left() == (1, 1, 1)
    assert await world.give_up(record(event, offset=8))
    assert await world.left() == (2, 2, 2)
    assert world.metrics.events_appended_total._value.get() == 2


async def test_who_is_handled_while_it_is_given_up_is_not_given_up(world, monkeypatch):
    """Another consumer, which has the partition now, was faster."""
    event = deleted()
    send = world.send_and_wait

    async def handled_meanwhile(*args, **options):
        await send(*args, **options)
        async with world.database.transaction() as connection:
            arrival = Arrival(str(event.event_id), "0/1/1", event)
            assert await first_deliveries(connection, "synth", [arrival])

    monkeypatch.setattr(world, "send_and_wait", handled_meanwhile)
    assert not await world.give_up(record(event))
    assert await world.database.fetch(select(events)) == []
    assert world.metrics.events_appended_total._value.get() == 0


async def test_a_record_that_cannot_be_read_is_told_as_often(world):
    event = deleted()
    for offset, left in ((7, (1, 1, 1)), (7, (1, 1, 1)), (8, (2, 2, 2))):
        await world.cannot_read(record(event, offset=offset, value=b"not json"))
        assert await world.left() == left


async def test_what_was_handled_is_no_failure(world):
    """One that cannot be read is kept all the same: nobody knows what it was."""
    event = deleted()
    async with world.database.transaction() as connection:
        handled = Arrival(str(event.event_id), "0/1/1", event)
        assert await first_deliveries(connection, "synth", [handled])
    assert not await world.give_up(record(event))
    assert await world.left() == (0, 0, 0)
    await world.cannot_read(record(event, value=b"not json"))
    assert await world.left() == (0, 0, 1)


@pytest.mark.parametrize("unknown", [{"headers": []}, {}])
async def test_what_nobody_waits_for_is_only_a_dead_letter(world, unknown):
    for _ in range(2):
        await world.cannot_read(record(deleted(), **unknown), wanted=())
    assert await world.left() == (0, 0, 2)
    assert await world.database.fetch(select(inbox)) == []


@pytest.mark.parametrize("keep", [False, True])
async def test_events_are_kept_where_read_models_are_rebuilt(database, keep):
    event = deleted()
    await World(database, keep_events=keep).give_up(record(event))
    [row] = await database.fetch(select(inbox))
    assert row.body == (event.encode() if keep else None)
