import asyncio
import ctypes
from collections.abc import Iterator
from time import time

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from lectern import embedded_broker
from lectern.embedded_broker import EmbeddedBroker, EmbeddedBrokerError, find_library

TOPICS = {"page.extracted": 3, "audio.ready": 1}
HEADERS = [("ce_type", b"page.extracted"), ("ce_specversion", b"1.0")]


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(TOPICS) as running:
        yield running


def consumer(broker: EmbeddedBroker, *topics: str, group: str = "segmenter") -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=100,
        session_timeout_ms=2000,
        heartbeat_interval_ms=500,
    )


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
async def test_carries_keys_headers_and_values_to_a_group(
    broker: EmbeddedBroker, compression: str | None
) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap,
        enable_idempotence=True,
        acks="all",
        compression_type=compression,
    )
    began_ms = int(time() * 1000)
    values = [f'{{"page":{number}}}'.encode() * 20 for number in range(1, 31)]
    async with producer, consumer(broker, *TOPICS) as reader:
        for value in values:
            await producer.send("page.extracted", value, key=b"document-7", headers=HEADERS)
        await producer.flush()
        received = [await asyncio.wait_for(anext(reader), 20) for _ in values]
    assert [record.value for record in received] == values
    assert {record.partition for record in received} == {received[0].partition}
    assert all(began_ms <= record.timestamp <= time() * 1000 for record in received)
    assert all(
        record.key == b"document-7" and list(record.headers) == HEADERS for record in received
    )


async def test_has_the_declared_partitions(broker: EmbeddedBroker) -> None:
    async with consumer(broker, *TOPICS) as reader:
        assert {name: len(reader.partitions_for_topic(name)) for name in TOPICS} == TOPICS


async def test_a_group_goes_on_where_it_committed(broker: EmbeddedBroker) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for value in (b"1", b"2"):
            await producer.send_and_wait("audio.ready", value)
    async with consumer(broker, "audio.ready") as reader:
        first = await asyncio.wait_for(anext(reader), 20)
        await reader.commit()
    async with consumer(broker, "audio.ready") as reader:
        second = await asyncio.wait_for(anext(reader), 20)
    assert (first.value, second.value) == (b"1", b"2")


def test_is_silent_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker({}):
        pass
    assert capfd.readouterr().err == ""


def test_starts_and_stops_more_than_once() -> None:
    broker = EmbeddedBroker({"audio.ready": 1})
    assert broker.start() == broker.start() == broker.bootstrap
    broker.stop()
    broker.stop()
    assert broker.start().startswith("127.0.0.1:")
    broker.stop()


def test_has_no_address_before_it_starts() -> None:
    with pytest.raises(EmbeddedBrokerError, match="not running"):
        _ = EmbeddedBroker({}).bootstrap


def test_says_which_topic_was_refused(broker: EmbeddedBroker) -> None:
    broker.create_topic("audio.failed", 2)
    with pytest.raises(EmbeddedBrokerError, match=r"audio\.failed.*exists"):
        broker.create_topic("audio.failed", 2)


def test_creates_topics_only_while_it_runs() -> None:
    with pytest.raises(EmbeddedBrokerError, match="not running"):
        EmbeddedBroker({}).create_topic("audio.ready", 1)


def test_refuses_a_topic_without_partitions() -> None:
    with pytest.raises(EmbeddedBrokerError, match="at least one partition"):
        EmbeddedBroker({"audio.ready": 0}).start()


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_broker, "find_spec", lambda name: None)
    with pytest.raises(EmbeddedBrokerError, match=r"install lectern\[standalone\]"):
        EmbeddedBroker({}).start()


@pytest.mark.parametrize("patterns", [embedded_broker.LINKED, ("../confluent_kafka.libs/*.so*",)])
def test_finds_the_library_bundled_or_linked(
    monkeypatch: pytest.MonkeyPatch, patterns: tuple[str, ...]
) -> None:
    monkeypatch.setattr(embedded_broker, "BUNDLED", patterns)
    if not find_library().is_file():
        pytest.skip("this platform's wheel keeps the library elsewhere")
    with EmbeddedBroker({"audio.ready": 2}) as broker:
        assert broker.bootstrap


def test_refuses_a_library_without_a_mock_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda path: ctypes.PyDLL(None))
    with pytest.raises(EmbeddedBrokerError, match="no usable mock cluster"):
        embedded_broker.load_library()
