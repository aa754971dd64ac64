"""Records from a broker to the consumer loop, and their offsets back."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from uuid import uuid4

import pytest
from aiokafka.errors import CommitFailedError
from aiokafka.structs import TopicPartition
from sqlalchemy import select

from libs.common import consumer as consumer_module
from libs.common import subscription
from libs.common.broker import consuming_broker, producer
from libs.common.consumer import Consumer
from libs.common.dead_letters import DeadLetters
from libs.common.errors import Unavailable
from libs.common.events import DocumentDeleted
from libs.common.fetching import FetchOnDemand
from libs.common.metrics import Metrics
from libs.common.routes import on
from libs.common.sender import Sender
from libs.common.settings import CommonSettings
from libs.common.subscription import MAX_BATCH, Offsets, consumers_of, subscribe
from libs.common.tables import inbox
from libs.common.testing.records import record

EVENTUALLY_S = 30.0
TOPIC = DocumentDeleted.topic


class NoDeadLetters:
    async def send_and_wait(self, topic, value, key, *, headers):
        raise AssertionError(f"dead letter for {topic}")


class Kept:
    """Dead letters, kept."""

    def __init__(self):
        self.letters = []

    async def send_and_wait(self, topic, value, key, *, headers):
        self.letters.append((topic, value, dict(headers)))


class Noting(Consumer):
    """Notes how many records it was given at a time."""

    def __post_init__(self):
        super().__post_init__()
        self.taken = []

    async def take(self, records):
        self.taken.append([each.offset for each in records])
        await super().take(records)


@dataclass(frozen=True)
class Wire:
    settings: CommonSettings
    fetches: FetchOnDemand | None


@pytest.fixture(params=[False, True], ids=["asking again", "on demand"])
async def sender(embedded_kafka, request):
    bootstrap = embedded_kafka({TOPIC: 1})
    settings = CommonSettings(kafka_bootstrap_servers=bootstrap, storage_url="file:///nowhere")
    fetches = FetchOnDemand() if request.param else None
    sender = Sender(partial(producer, settings), fetches.sent if fetches else None)
    await sender.connect()
    yield sender, Wire(settings, fetches)
    await sender.stop()


@asynccontextmanager
async def consuming(database, wire, handler, letterbox=None, **options):
    letters = DeadLetters(letterbox or NoDeadLetters(), "ingest")
    routes = [on(DocumentDeleted, handler)]
    consumer = Noting(database, "ingest", routes, letters, Metrics("ingest"), **options)
    broker = consuming_broker(wire.settings)
    offsets = subscribe(
        consumer,
        broker,
        fetch_max_wait_ms=50,
        max_poll_interval_ms=300_000,
        fetches=wire.fetches,
    )
    await broker.start()
    try:
        if wire.fetches is None:
            yield consumer, broker
        else:
            async with wire.fetches.following(consumers_of(broker)):
                yield consumer, broker
    finally:
        await offsets.close()
        await broker.stop()


async def send(sender, count):
    sent, futures = [], []
    for _ in range(count):
        event = DocumentDeleted(document_id=uuid4(), deleted_by=uuid4())
        made = record(event)
        futures.append(await sender.send(TOPIC, made.value, made.key, headers=made.headers))
        sent.append(str(event.event_id))
    await asyncio.gather(*futures)
    return sent


async def handled(database, count):
    async with asyncio.timeout(EVENTUALLY_S):
        while True:
            async with database.reading() as connection:
                found = list(await connection.scalars(select(inbox.c.event_id)))
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def committed(broker):
    async with asyncio.timeout(EVENTUALLY_S):
        while True:
            [subscriber] = broker.subscribers
            offset = await subscriber.consumer.committed(TopicPartition(TOPIC, 0))
            if offset:
                return offset
            await asyncio.sleep(0.02)


async def nothing(event):
    return []


async def test_what_was_fetched_together_is_taken_together(database, sender):
    kafka, wire = sender
    sent = await send(kafka, 2 * MAX_BATCH)
    async with consuming(database, wire, nothing) as (consumer, broker):
        assert sorted(await handled(database, len(sent))) == sorted(sent)
        assert await committed(broker) > 0
    assert 10 < max(map(len, consumer.taken)) <= MAX_BATCH
    assert [offset for batch in consumer.taken for offset in batch] == list(range(len(sent)))


async def test_one_record_waits_for_no_company(database, sender):
    kafka, wire = sender
    async with consuming(database, wire, nothing) as (consumer, _):
        for count in (1, 2, 3):
            await send(kafka, 1)
            await handled(database, count)
    assert consumer.taken == [[0], [1], [2]]


async def test_after_an_outage_the_whole_batch_comes_again(database, sender, monkeypatch):
    monkeypatch.setattr(consumer_module, "delay_s", lambda attempt: 0.0)
    kafka, wire = sender
    sent = await send(kafka, 5)
    outages = 3

    async def moody(event):
        nonlocal outages
        if str(event.event_id) == sent[3] and outages:
            outages -= 1
            raise Unavailable("away")
        return []

    async with consuming(database, wire, moody, max_in_place_s=0.0) as (consumer, broker):
        assert sorted(await handled(database, 5)) == sorted(sent)
        assert await committed(broker) == 5
    assert consumer.taken[0][0] == consumer.taken[1][0] == 0
    assert outages == 0


class Kafka:
    """Takes note of commits."""

    def __init__(self, error=None):
        self.commits = []
        self.error = error

    async def commit(self, offsets):
        self.commits.append(offsets)
        if self.error:
            raise self.error


def came(*offsets, partition=0):
    return [SimpleNamespace(topic=TOPIC, partition=partition, offset=each) for each in offsets]


async def test_many_batches_are_one_commit_of_what_was_dealt_with():
    offsets, kafka = Offsets(commit_every_s=0.05), Kafka()
    for number in range(10):
        await offsets.done(kafka, came(number))
    await offsets.done(kafka, came(3, 4, partition=1))
    assert kafka.commits == []
    await asyncio.sleep(0.2)
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 10, TopicPartition(TOPIC, 1): 5}]
    await offsets.done(kafka, came(10))
    await asyncio.sleep(0.2)
    assert kafka.commits[1:] == [{TopicPartition(TOPIC, 0): 11}]


async def test_what_is_dealt_with_after_the_end_has_begun_is_committed_at_once():
    """Later would be after the group was left, which is an error."""
    offsets, kafka = Offsets(commit_every_s=0.02), Kafka()
    await offsets.close()
    await offsets.done(kafka, came(7))
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 8}]
    await asyncio.sleep(0.1)
    assert len(kafka.commits) == 1


async def test_what_is_left_is_committed_at_the_end():
    offsets, kafka = Offsets(commit_every_s=60), Kafka()
    await offsets.done(kafka, came(7))
    await offsets.close()
    await offsets.close()
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 8}]


async def test_a_commit_that_is_refused_stops_nobody():
    offsets, kafka = Offsets(commit_every_s=60), Kafka(CommitFailedError("rebalanced"))
    await offsets.done(kafka, came(7))
    await offsets.close()
    kafka.error = None
    await offsets.done(kafka, came(8))
    await offsets.close()
    assert kafka.commits[-1] == {TopicPartition(TOPIC, 0): 9}


class Slow(Kafka):
    """Takes a commit only once it ``may``."""

    def __init__(self):
        super().__init__()
        self.may = asyncio.Event()

    async def commit(self, offsets):
        await self.may.wait()
        await super().commit(offsets)


async def test_what_is_dealt_with_during_a_slow_commit_is_committed_too():
    offsets, kafka = Offsets(commit_every_s=0.02), Slow()
    await offsets.done(kafka, came(7))
    await asyncio.sleep(0.1)
    await offsets.done(kafka, came(8))
    kafka.may.set()
    await asyncio.sleep(0.2)
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 8}, {TopicPartition(TOPIC, 0): 9}]


async def test_a_commit_that_the_end_cuts_short_is_made_again():
    offsets, kafka = Offsets(commit_every_s=0.02), Slow()
    await offsets.done(kafka, came(7))
    await asyncio.sleep(0.1)
    asyncio.get_running_loop().call_later(0.1, kafka.may.set)
    await offsets.close()
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 8}]


async def test_the_end_waits_for_no_broker_that_is_away(monkeypatch):
    monkeypatch.setattr(subscription, "LAST_COMMIT_S", 0.05)

    class Away:
        async def commit(self, offsets):
            await asyncio.Event().wait()

    for wait_s in (0.0, 60.0):
        offsets = Offsets(commit_every_s=wait_s)
        await offsets.done(Away(), came(7))
        await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await offsets.close()


async def test_a_restart_goes_on_where_the_last_one_stopped(database, sender):
    kafka, wire = sender
    sent = await send(kafka, 3)
    async with consuming(database, wire, nothing) as (consumer, _):
        await handled(database, 3)
    more = await send(kafka, 1)
    async with consuming(database, wire, nothing) as (consumer, _):
        assert sorted(await handled(database, 4)) == sorted(sent + more)
    assert consumer.taken == [[3]]


@pytest.mark.parametrize("garbage", [[("ce_id", b"\xff\xfe")], [("ce_type", None)], []])
async def test_what_is_no_event_at_all_is_put_aside_and_not_lost(database, sender, garbage):
    kafka, wire = sender
    kept = Kept()
    await kafka.send_and_wait(TOPIC, b"poison", b"key", headers=garbage)
    sent = await send(kafka, 1)
    async with consuming(database, wire, nothing, kept):
        assert await handled(database, 1) == sent
    [(topic, value, headers)] = kept.letters
    assert (topic, value) == (f"{TOPIC}.ingest.dlq", b"poison")
    assert headers["dlq_error"] == b"Malformed"
