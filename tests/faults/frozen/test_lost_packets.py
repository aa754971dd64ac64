"""Packets to PostgreSQL or Kafka vanish, and no connection is reset."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from libs.common.errors import Unavailable
from libs.common.kafka.broker import IDLE_MS, producer
from libs.common.kafka.sender import Sender
from libs.common.kafka.topic_specs import TopicSpec
from libs.common.kafka.topics import create_topics
from libs.common.processing.outgoing import Acknowledged, OutgoingRecord
from libs.common.settings import CommonSettings
from libs.common.testing.proxies.wire import Wire
from libs.common.testing.servers import NativeKafka
from tests.faults.frozen.freezing import STANDS_STILL_S, Documents
from tests.journeys.deployment import Deployment

TOPIC = "test.forgotten"
AT_ONCE_S = 5.0
SOON_S = 12.0
"""A question that gets no answer, and a new connection."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("heal", [Wire.mend, Wire.forget], ids=["arrive", "are_forgotten"])
@pytest.mark.parametrize("server", ["postgresql", "kafka"])
async def test_packets_vanish_for_a_while(
    deployment: Deployment, server: str, heal: Callable[[Wire], None]
) -> None:
    """Then those of old connections arrive, or only new connections are known."""
    wire = deployment.kafka_wire if server == "kafka" else deployment.wire
    documents = Documents(deployment, f"{heal.__name__} {server}")
    await documents.begin()
    wire.silence()
    await asyncio.sleep(STANDS_STILL_S)
    await asyncio.to_thread(heal, wire)
    await documents.resumed()
    await documents.finish()


@asynccontextmanager
async def _sender(kafka: NativeKafka) -> AsyncIterator[Sender]:
    settings = CommonSettings(
        kafka_bootstrap_servers=kafka.bootstrap, storage_url="file:///nowhere"
    )
    await create_topics(
        kafka.bootstrap, [TopicSpec(name=TOPIC, partitions=1, replication_factor=1)]
    )
    sender = Sender(partial(producer, settings))
    await _send(sender)
    yield sender
    await sender.stop()


async def _send(sender: Sender) -> None:
    record = OutgoingRecord(TOPIC, b"key", b"value", [])
    assert await sender.send_all([record]) == [Acknowledged()]


async def test_an_idle_service_has_no_connection_that_could_be_forgotten(
    deployment: Deployment,
) -> None:
    async with _sender(deployment.kafka) as sender:
        await asyncio.sleep(IDLE_MS / 1000 + 1)
        deployment.kafka_wire.forget()
        async with asyncio.timeout(AT_ONCE_S):
            await _send(sender)


async def test_a_look_at_the_health_of_a_service_replaces_a_forgotten_connection(
    deployment: Deployment,
) -> None:
    async with _sender(deployment.kafka) as sender:
        deployment.kafka_wire.forget()
        async with asyncio.timeout(SOON_S):
            with pytest.raises(Unavailable):
                await sender.missing_topics([TOPIC])
            assert await sender.missing_topics([TOPIC]) == []
        async with asyncio.timeout(AT_ONCE_S):
            await _send(sender)
