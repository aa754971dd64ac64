"""Records from a broker to the consumer loop, and their offsets back."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import pytest
from aiokafka.structs import TopicPartition
from faststream.kafka import KafkaBroker, TestKafkaBroker
from sqlalchemy import select

from libs.common.contracts.documents import DocumentDeleted
from libs.common.errors import Permanent, Unavailable
from libs.common.kafka import fetching
from libs.common.kafka.broker import Clients, consuming_broker
from libs.common.kafka.fetching import FetchOnDemand
from libs.common.kafka.pausing import PausedPartitions
from libs.common.kafka.sender import Sender
from libs.common.kafka.subscription import MAX_BATCH, subscribe
from libs.common.observability.metrics import Metrics
from libs.common.processing import consumer as consumer_module
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import DeadLetters
from libs.common.processing.outgoing import Acknowledged, OutgoingRecord
from libs.common.processing.routes import on
from libs.common.settings import CommonSettings
from libs.common.storage.memory import MemoryStorage
from libs.common.store.tables import inbox
from libs.common.testing.records import record

EVENTUALLY_S = 30.0
NEWER = b'{"version": 99}'
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
        self.taken.append([record.offset for record in records])
        return await super().take(records)


@dataclass(frozen=True)
class Wire:
    settings: CommonSettings
    clients: Clients


@pytest.fixture
def partitions():
    return 1


@pytest.fixture(params=[False, True], ids=["asking again", "on demand"])
async def sender(embedded_kafka, request, partitions):
    bootstrap = embedded_kafka({TOPIC: partitions})
    settings = CommonSettings(kafka_bootstrap_servers=bootstrap, storage_url="file:///nowhere")
    clients = FetchOnDemand().clients() if request.param else Clients()
    sender = Sender(partial(clients.producer, settings))
    await sender.connect()
    yield sender, Wire(settings, clients)
    await sender.stop()


def noting(database, handler, producer=None, **options):
    return Noting(
        database=database,
        storage=MemoryStorage(),
        service="ingest",
        routes=[on(DocumentDeleted, handler)],
        dead_letters=DeadLetters(producer or NoDeadLetters(), "ingest", max_in_place_s=60.0),
        metrics=Metrics("ingest"),
        **{"max_attempts": 5, "max_in_place_s": 60.0, "max_consecutive_bugs": 10} | options,
    )


@asynccontextmanager
async def consuming(database, wire, handler, producer=None, **options):
    consumer = noting(database, handler, producer, **options)
    broker = wire.clients.consuming_broker(wire.settings)
    application = subscribe(
        consumer,
        broker,
        paused=PausedPartitions(consumer.metrics),
        fetch_max_wait_ms=50,
        max_poll_interval_ms=300_000,
        session_timeout_ms=3_000,  # so long a second member waits for its first turn
    )
    await application.start()
    try:
        yield consumer, broker
    finally:
        await application.stop()


async def send(sender, count):
    sent, records = [], []
    for _ in range(count):
        event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
        made = record(event)
        records.append(
            OutgoingRecord(TOPIC, made.key or b"", made.value or b"", list(made.headers))
        )
        sent.append(str(event.event_id))
    assert set(await sender.send_all(records)) == {Acknowledged()}
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


@pytest.mark.slow
@pytest.mark.parametrize("partitions", [2])
async def test_a_partition_is_paused_at_a_newer_version_and_the_other_goes_on(database, sender):
    """Nothing of it is skipped or fetched again, however much is sent after it."""
    kafka, wire = sender
    before = await send(kafka, 10)
    deletion = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    newer = record(deletion, value=NEWER)
    async with consuming(database, wire, nothing) as (consumer, broker):
        await handled(database, 10)
        sent = await kafka.send_and_wait(TOPIC, newer.value, newer.key, headers=newer.headers)
        await until(lambda: paused(consumer) == 1)
        after = await send(kafka, 40)
        [subscriber] = broker.subscribers
        blocked = TopicPartition(TOPIC, sent.partition)
        # Long enough for fetching on demand to look around, which resumes what it has paused.
        await asyncio.sleep(2 * fetching.FIRST_LOOK_S + fetching.LOOK_FOR_S)
        behind = await offsets_behind(subscriber.consumer, blocked, sent.offset)
        found = await handled(database, 50 - behind)
        assert set(found) < set(before + after)
        assert len(found) == 50 - behind
        assert 0 < behind < 40
        assert blocked in subscriber.consumer.paused()
        assert await subscriber.consumer.position(blocked) == sent.offset
    assert paused(consumer) == 1
    assert sample(consumer.metrics, "events_consumed_total", outcome="paused") == 1


async def offsets_behind(kafka, partition, offset):
    """How many records are behind the one at ``offset``."""
    ends = await kafka.end_offsets([partition])
    return ends[partition] - offset - 1


def paused(consumer):
    return sample(consumer.metrics, "partitions_paused") or 0


async def until(true):
    async with asyncio.timeout(EVENTUALLY_S):
        while not true():
            await asyncio.sleep(0.02)


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


@pytest.mark.parametrize("partitions", [3])
async def test_after_an_outage_all_partitions_of_a_batch_come_again(database, sender, monkeypatch):
    """What FastStream refuses for us is the batch, and not the partition of its first record."""
    monkeypatch.setattr(consumer_module, "delay_s", lambda attempt: 0.0)
    kafka, wire = sender
    sent = await send(kafka, 30)
    outages = 2

    async def moody(event):
        nonlocal outages
        if str(event.event_id) in sent[10:] and outages:
            outages -= 1
            raise Unavailable("away")
        return []

    async with consuming(database, wire, moody, max_in_place_s=0.0) as (consumer, _):
        assert sorted(await handled(database, 30)) == sorted(sent)
    assert outages == 0
    assert any(batch.count(0) > 1 for batch in consumer.taken)  # the firsts of several partitions


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
async def test_what_is_no_event_at_all_becomes_a_dead_letter(database, sender, garbage):
    kafka, wire = sender
    kept = Kept()
    await kafka.send_and_wait(TOPIC, b"poison", b"key", headers=garbage)
    sent = await send(kafka, 1)
    async with consuming(database, wire, nothing, kept):
        assert await handled(database, 1) == sent
    [(topic, value, headers)] = kept.letters
    assert (topic, value) == (f"{TOPIC}.ingest.dlq", b"poison")
    assert headers["dlq_error"] == b"Malformed"


@pytest.fixture
def unconnected():
    settings = CommonSettings(kafka_bootstrap_servers="nowhere:1", storage_url="file:///nowhere")
    return consuming_broker(settings)


def sample(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, {"service": "ingest", "topic": TOPIC} | labels)


async def publish(broker: KafkaBroker, *events):
    made = record(events[0])
    attributes = {name: value.decode() for name, value in made.headers if name != "ce_id"}
    for event in events:
        headers = attributes | {"ce_id": str(event.event_id)}
        await broker.publish(event.encode(), TOPIC, key=event.key.encode(), headers=headers)


async def test_an_event_goes_through_decoder_and_middlewares_to_its_handler(database, unconnected):
    """On FastStream's test broker, as the next one: no Kafka, no waiting."""
    handled, event = [], DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())

    async def handler(given):
        handled.append(given)
        return []

    consumer = noting(database, handler)
    subscribe(
        consumer,
        unconnected,
        paused=PausedPartitions(consumer.metrics),
        fetch_max_wait_ms=50,
        max_poll_interval_ms=300_000,
        session_timeout_ms=3_000,  # so long a second member waits for its first turn
    )
    async with TestKafkaBroker(unconnected) as broker:
        await publish(broker, event, event)
    assert handled == [event, event]
    metrics = consumer.metrics
    assert sample(metrics, "events_consumed_total", outcome="handled") == 1
    assert sample(metrics, "events_consumed_total", outcome="duplicate") == 1
    assert sample(metrics, "event_handling_seconds_count") == 2
    assert sample(metrics, "event_lag_seconds_count") == 2


async def test_an_event_that_is_given_up_becomes_a_dead_letter(database, unconnected):
    async def refuse(given):
        raise Permanent("never")

    kept, event = Kept(), DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    consumer = noting(database, refuse, kept)
    subscribe(
        consumer,
        unconnected,
        paused=PausedPartitions(consumer.metrics),
        fetch_max_wait_ms=50,
        max_poll_interval_ms=300_000,
        session_timeout_ms=3_000,  # so long a second member waits for its first turn
    )
    async with TestKafkaBroker(unconnected) as broker:
        await publish(broker, event)
    [(topic, value, headers)] = kept.letters
    assert (topic, value) == (f"{TOPIC}.ingest.dlq", event.encode())
    assert headers["ce_id"] == str(event.event_id).encode()
    assert sample(consumer.metrics, "events_consumed_total", outcome="given_up") == 1
    assert sample(consumer.metrics, "dead_letters_total") == 1
