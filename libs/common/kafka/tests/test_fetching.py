"""On the embedded broker, which answers a fetch that finds nothing when its time is over."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer import fetcher
from aiokafka.structs import RecordMetadata, TopicPartition

from libs.common.kafka import fetching
from libs.common.kafka.fetching import FULL_AT, FetchOnDemand
from libs.common.settings import CommonSettings

TOPICS = {"documents": 1, "pages": 1}
PATIENCE_S = 20.0
ONE_FETCH_MS = 5_000
"""Long: who waits for a fetch that found nothing, is late."""


@pytest.fixture
def fetched(monkeypatch):
    """The topics of every fetch that is made."""
    made = []

    make = fetcher.FetchRequest

    def noted(*arguments, **options):
        made.append(sorted(topic for topic, _ in arguments[4]))
        return make(*arguments, **options)

    monkeypatch.setattr(fetcher, "FetchRequest", noted)
    return made


@asynccontextmanager
async def consuming(bootstrap, fetches, wait_ms):
    consumer = AIOKafkaConsumer(
        *TOPICS,
        bootstrap_servers=bootstrap,
        group_id="readers",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=wait_ms,
        enable_auto_commit=False,
    )
    async with consumer:
        fetches.follow(consumer)
        try:
            yield consumer
        finally:
            fetches.leave(consumer)


@pytest.fixture
def bootstrap(embedded_kafka):
    return embedded_kafka(TOPICS)


@pytest.fixture
async def producer(bootstrap):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as connected:
        yield connected


async def get(consumer):
    return await asyncio.wait_for(consumer.getone(), PATIENCE_S)


async def idle(consumer):
    """Wait until nothing is fetched any more."""
    async with asyncio.timeout(PATIENCE_S):
        while consumer.paused() != consumer.assignment() or not consumer.paused():
            await asyncio.sleep(0.01)


async def test_where_nothing_was_sent_nothing_is_fetched(bootstrap, fetched):
    fetches = FetchOnDemand(first_look_s=0.05)
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        await asyncio.sleep(0.1)
        fetched.clear()
        await asyncio.sleep(0.5)
        assert fetched == []


async def test_what_was_sent_is_fetched_from_where_it_is_and_waits_for_nothing(
    bootstrap, producer, fetched
):
    fetches = FetchOnDemand(first_look_s=0.05)
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        await asyncio.sleep(0.1)
        # From here on, one fetch too many would hold back what comes next.
        consumer._fetcher._fetch_max_wait_ms = ONE_FETCH_MS
        fetched.clear()
        started = asyncio.get_running_loop().time()
        for number in range(10):
            fetches.sent(await producer.send_and_wait("pages", str(number).encode()))
            record = await get(consumer)
            fetches.taken(consumer, [record])
            assert record.value == str(number).encode()
        assert asyncio.get_running_loop().time() - started < ONE_FETCH_MS / 1000
    assert fetched == [["pages"]] * 10


async def test_all_of_many_records_arrive(bootstrap, producer):
    fetches = FetchOnDemand(first_look_s=0.05)
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        for number in range(300):
            fetches.sent(await producer.send_and_wait("pages", str(number).encode()))
        found: list[int] = []
        while len(found) < 300:
            record = await get(consumer)
            fetches.taken(consumer, [record])
            found.append(int(record.value))
    assert found == list(range(300))


async def test_what_could_not_be_dealt_with_comes_again(bootstrap, producer):
    fetches = FetchOnDemand(first_look_s=0.05)
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        fetches.sent(await producer.send_and_wait("pages", b"once more"))
        record = await get(consumer)
        fetches.taken(consumer, [record])
        consumer.seek(TopicPartition("pages", 0), record.offset)
        fetches.again(consumer, [record])
        assert (await get(consumer)).value == b"once more"


async def test_the_backlog_is_what_was_sent_and_is_not_handled(bootstrap, producer):
    fetches = FetchOnDemand(first_look_s=0.05)
    assert fetches.backlog() == 0
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        for topic in ("pages", "documents", "pages"):
            fetches.sent(await producer.send_and_wait(topic, b"x"))
        assert fetches.backlog() == 3
        first = await get(consumer)
        fetches.taken(consumer, [first])
        assert fetches.backlog() == 3
        fetches.handled(consumer, [first])
        assert fetches.backlog() == 2
        fetches.handled(consumer, [await get(consumer), await get(consumer)])
        assert fetches.backlog() == 0
        fetches.sent(await producer.send_and_wait("pages", b"x"))
        assert fetches.backlog() == 1
    assert fetches.backlog() == 0  # nobody waits for it


async def test_what_others_have_paused_is_no_backlog(bootstrap, producer):
    fetches = FetchOnDemand(first_look_s=0.05)
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        fetches.hold(consumer, [TopicPartition("pages", 0)])
        for topic in ("pages", "documents"):
            fetches.sent(await producer.send_and_wait(topic, b"x"))
        assert fetches.backlog() == 1


async def test_a_topic_is_full_while_too_many_of_a_partition_wait(bootstrap, producer, monkeypatch):
    monkeypatch.setattr(fetching, "FULL_AT", 2)
    fetches = FetchOnDemand(first_look_s=0.05)
    assert fetches.full_topics() == frozenset()
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        for topic in ("pages", "documents", "pages"):
            fetches.sent(await producer.send_and_wait(topic, b"x"))
        assert fetches.full_topics() == {"pages"}
        fetches.handled(consumer, [await get(consumer)])
        fetches.handled(consumer, [await get(consumer)])
        fetches.handled(consumer, [await get(consumer)])
        assert fetches.full_topics() == frozenset()
        fetches.hold(consumer, [TopicPartition("pages", 0)])
        for _ in range(3):
            fetches.sent(await producer.send_and_wait("pages", b"x"))
        assert fetches.full_topics() == frozenset()
    assert fetches.clients().full_topics() == frozenset()


async def test_who_comes_back_is_behind_by_what_there_is_from_where_it_begins(
    bootstrap, producer, monkeypatch
):
    monkeypatch.setattr(fetching, "FULL_AT", 2)
    fetches = FetchOnDemand(first_look_s=0.05)
    for _ in range(3):
        fetches.sent(await producer.send_and_wait("pages", b"x"))
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await consumer.seek_to_end(TopicPartition("pages", 0))
        await idle(consumer)
        assert fetches.full_topics() == frozenset()
        assert fetches.handled_until(fetches.ends())


async def test_what_was_there_at_one_time_is_handled_whatever_came_since(bootstrap, producer):
    fetches = FetchOnDemand(first_look_s=0.05)
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        fetches.sent(await producer.send_and_wait("pages", b"x"))
        ends = fetches.ends()
        fetches.sent(await producer.send_and_wait("pages", b"x"))
        assert not fetches.handled_until(ends)
        fetches.handled(consumer, [await get(consumer)])
        assert fetches.handled_until(ends)
        assert not fetches.handled_until(fetches.ends())


async def test_what_others_have_paused_is_not_fetched_whatever_is_sent(bootstrap, producer):
    fetches = FetchOnDemand(first_look_s=0.05, look_every_s=0.05)
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        fetches.sent(await producer.send_and_wait("pages", b"too new"))
        record = await get(consumer)
        held = TopicPartition("pages", 0)
        consumer.seek(held, record.offset)
        fetches.hold(consumer, [held])
        fetches.sent(await producer.send_and_wait("pages", b"behind it"))
        fetches.again(consumer, [record])
        await asyncio.sleep(0.5)
        assert held in consumer.paused()
        fetches.sent(await producer.send_and_wait("documents", b"elsewhere"))
        assert (await get(consumer)).value == b"elsewhere"


async def test_what_is_given_anew_is_fetched_though_it_was_held(bootstrap, producer):
    fetches = FetchOnDemand(first_look_s=0.05)
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        held = TopicPartition("pages", 0)
        fetches.hold(consumer, [held])
        consumer.unsubscribe()
        consumer.subscribe(list(TOPICS))
        async with asyncio.timeout(PATIENCE_S):
            while held not in consumer.assignment():
                await asyncio.sleep(0.01)
        fetches.sent(await producer.send_and_wait("pages", b"once more"))
        assert (await get(consumer)).value == b"once more"


async def test_what_others_sent_is_found_sooner_or_later(bootstrap, producer):
    fetches = FetchOnDemand(first_look_s=0.05, look_every_s=0.2)
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        await idle(consumer)
        await producer.send_and_wait("documents", b"from elsewhere")
        assert (await get(consumer)).value == b"from elsewhere"
        await idle(consumer)


async def test_what_was_sent_before_there_was_a_consumer_is_fetched(bootstrap, producer):
    fetches = FetchOnDemand(first_look_s=0.05)
    fetches.sent(await producer.send_and_wait("documents", b"early"))
    async with consuming(bootstrap, fetches, wait_ms=20) as consumer:
        assert (await get(consumer)).value == b"early"


async def test_who_has_left_is_told_nothing(bootstrap, producer):
    fetches = FetchOnDemand()
    async with consuming(bootstrap, fetches, wait_ms=20):
        pass
    fetches.sent(await producer.send_and_wait("documents", b"late"))
    assert "look for records" not in [task.get_name() for task in asyncio.all_tasks()]


def test_who_has_not_started_has_handled_nothing_and_leaves_room_for_a_thousand():
    fetches, partition = FetchOnDemand(), TopicPartition("pages", 0)
    fetches.expect("a service", ["pages", "documents"])
    assert fetches.handled_until(fetches.ends())
    fetches.sent(RecordMetadata("pages", 0, partition, 0, 0, 0, 0), FULL_AT - 1)
    assert not fetches.handled_until(fetches.ends())
    assert fetches.full_topics() == frozenset()
    fetches.sent(RecordMetadata("pages", 0, partition, FULL_AT - 1, 0, 0, 0))
    assert fetches.full_topics() == {"pages"}
    fetches.arrived("a service")
    assert fetches.handled_until(fetches.ends())
    assert fetches.full_topics() == frozenset()


async def test_a_broker_is_expected_from_its_declaration_to_its_start(bootstrap):
    fetches = FetchOnDemand()
    settings = CommonSettings(kafka_bootstrap_servers=bootstrap, storage_url="file:///nowhere")
    broker = fetches.clients().consuming_broker(settings)

    @broker.subscriber("pages", batch=True)
    async def take(records):
        """Do nothing."""

    end = {TopicPartition("pages", 0): 10}
    assert not fetches.handled_until(end)
    await broker.start()
    assert not fetches._expected
    await broker.stop()
