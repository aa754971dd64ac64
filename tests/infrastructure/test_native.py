"""Real servers, started as a run of tests or ``make up-native`` starts them."""

import asyncio
import struct
from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from libs.common.contracts.audio import AudiobookReady, AudioReady, AudioRequested
from libs.common.contracts.base import Event
from libs.common.kafka.broker import producer
from libs.common.kafka.topic_specs import TopicSpec, declared_topics
from libs.common.kafka.topics import create_topics
from libs.common.settings import CommonSettings
from libs.common.storage.s3.s3_storage import S3Storage
from libs.common.testing.starters import S3Server

ATTRIBUTES_AT = 21
"""Of a record batch of version 2; https://kafka.apache.org/documentation/#recordbatch."""
CODEC = 0b111
GZIP, LZ4 = 1, 3
HEADERS = [("ce_type", b"audio.ready"), ("ce_specversion", b"1.0")]


def spec(name: str, partitions: int, retention_ms: int = -1) -> TopicSpec:
    config = {"cleanup.policy": "delete", "retention.ms": str(retention_ms)}
    return TopicSpec(name=name, partitions=partitions, replication_factor=1, config=config)


async def test_topics_are_created_once_and_only_grow(kafka_bootstrap: str) -> None:
    topic = f"test.{uuid4().hex}"
    (created,) = await create_topics(kafka_bootstrap, [spec(topic, 2)])
    (again,) = await create_topics(kafka_bootstrap, [spec(topic, 2)])
    (grown,) = await create_topics(kafka_bootstrap, [spec(topic, 3)])
    (not_reduced,) = await create_topics(kafka_bootstrap, [spec(topic, 1)])
    (differs,) = await create_topics(kafka_bootstrap, [spec(topic, 3, retention_ms=1000)])
    actions = [outcome.action for outcome in (created, again, grown, not_reduced, differs)]
    assert actions == ["created", "unchanged", "extended", "unchanged", "unchanged"]
    assert (not_reduced.partitions, again.notes) == (3, ())
    assert "never taken away" in str(not_reduced)
    assert differs.notes == ("retention.ms is -1, declared 1000",)


async def test_what_is_enforced_is_set_and_what_else_was_changed_stays(
    kafka_bootstrap: str,
) -> None:
    topic = f"test.{uuid4().hex}"
    by_hand = {"segment.ms": "604800000", "max.message.bytes": "2000000", "retention.ms": "5000"}
    declared = {"cleanup.policy": "delete", "max.message.bytes": "900000", "retention.ms": "-1"}

    def wanted(config: dict[str, str], *enforced: str) -> list[TopicSpec]:
        return [
            TopicSpec(
                name=topic,
                partitions=1,
                replication_factor=1,
                config=config,
                enforced=frozenset(enforced),
            )
        ]

    await create_topics(kafka_bootstrap, wanted(by_hand))
    (left,) = await create_topics(kafka_bootstrap, wanted(declared))
    assert left.action == "unchanged"
    assert "retention.ms is 5000, declared -1" in left.notes
    (changed,) = await create_topics(kafka_bootstrap, wanted(declared, "retention.ms"))
    assert changed.action == "changed"
    assert set(changed.notes) == {
        "retention.ms was 5000, is -1 now",
        "max.message.bytes is 2000000, declared 900000",
    }
    (again,) = await create_topics(kafka_bootstrap, wanted(declared, "retention.ms"))
    assert again.action == "unchanged"
    assert again.notes == ("max.message.bytes is 2000000, declared 900000",)
    (kept,) = await create_topics(kafka_bootstrap, wanted({"segment.ms": "1"}))
    assert kept.notes == ("segment.ms is 604800000, declared 1",)


async def test_two_at_the_same_time_create_topics_together(kafka_bootstrap: str) -> None:
    specs = [spec(f"test.{uuid4().hex}", 3) for _ in range(5)]
    await asyncio.gather(*(create_topics(kafka_bootstrap, specs) for _ in range(3)))
    outcomes = await create_topics(kafka_bootstrap, specs)
    assert {(outcome.action, outcome.partitions) for outcome in outcomes} == {("unchanged", 3)}


async def test_kafka_carries_headers_to_a_group(kafka_bootstrap: str) -> None:
    topic = f"test.{uuid4().hex}"
    await create_topics(kafka_bootstrap, [spec(topic, 3)])
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, enable_idempotence=True, compression_type="zstd"
    )
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka_bootstrap,
        group_id=topic,
        auto_offset_reset="earliest",
    )
    async with producer, consumer:
        for number in range(10):
            await producer.send(topic, str(number).encode(), key=b"document-7", headers=HEADERS)
        await producer.flush()
        received = [await asyncio.wait_for(anext(consumer), 30) for _ in range(10)]
    assert [record.value for record in received] == [str(number).encode() for number in range(10)]
    assert all(list(record.headers) == HEADERS for record in received)


async def codec_of(kafka_bootstrap: str, topic: str) -> int:
    """Return how the first batch of partition 0 is stored: 0 not compressed, 1 gzip, 3 lz4."""
    client = AIOKafkaClient(bootstrap_servers=kafka_bootstrap)
    await client.bootstrap()
    try:
        await client.set_topics([topic])
        leader = client.cluster.leader_for_partition(TopicPartition(topic, 0))
        partitions = [(0, 0, 1_000_000)]
        answer = await client.send(
            leader, FetchRequest(500, 1, 1_000_000, 0, [(topic, partitions)])
        )
    finally:
        await client.close()
    [(_, [partition])] = answer.topics
    batch = partition[-1]
    (attributes,) = struct.unpack_from(">h", batch, ATTRIBUTES_AT)
    return int(attributes & CODEC)


@pytest.mark.parametrize("event", [AudioReady, AudiobookReady, AudioRequested])
async def test_public_topics_are_stored_as_every_client_can_read_them(
    kafka_bootstrap: str, event: type[Event]
) -> None:
    (declared,) = [found for found in declared_topics({}) if found.name == event.topic]
    topic = f"test.{uuid4().hex}"
    await create_topics(kafka_bootstrap, [replace(declared, name=topic)])
    settings = CommonSettings(
        kafka_bootstrap_servers=kafka_bootstrap, storage_url="file:///nowhere"
    )
    async with producer(settings) as sending:
        await sending.send_and_wait(topic, b"spoken " * 1000, partition=0, headers=HEADERS)
    assert await codec_of(kafka_bootstrap, topic) == (GZIP if event.public else LZ4)


async def test_a_topic_that_nobody_declared_does_not_appear(kafka_bootstrap: str) -> None:
    undeclared = f"test.{uuid4().hex}"
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        await producer.client.add_topic(undeclared)
        metadata = await producer.client.fetch_all_metadata()
    assert undeclared not in metadata.topics()


async def test_every_test_has_a_postgresql_database_of_its_own(postgres_database: str) -> None:
    engine = create_async_engine(postgres_database)
    async with engine.connect() as connection:
        version = (await connection.execute(text("SELECT version()"))).scalar_one()
        name = (await connection.execute(text("SELECT current_database()"))).scalar_one()
        await connection.execute(text("SELECT 1 FOR UPDATE SKIP LOCKED"))
    await engine.dispose()
    assert version.startswith("PostgreSQL")
    assert name == make_url(postgres_database).database


async def test_s3_keeps_objects(s3_server: S3Server, s3_endpoint: str, s3_bucket: str) -> None:
    storage = S3Storage(
        s3_bucket,
        endpoint=s3_endpoint,
        access_key_id=SecretStr(s3_server.access_key_id),
        secret_access_key=SecretStr(s3_server.secret_access_key),
    )
    key = f"tests/{uuid4().hex}"
    written = await storage.write(key, b"spoken")
    assert (written.size, await storage.read(key)) == (6, b"spoken")


def test_the_embedded_broker_is_a_fixture(embedded_kafka) -> None:
    assert embedded_kafka({"audio.ready": 1}).startswith("127.0.0.1:")
