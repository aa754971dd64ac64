"""An event that is newer than the service, as in a deployment in the wrong order, on real Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from faststream.kafka import KafkaBroker
from sqlalchemy import select

from libs.common.contracts.documents import DocumentDeleted
from libs.common.database.engine import Database
from libs.common.kafka.broker import consuming_broker
from libs.common.kafka.pausing import PausedPartitions
from libs.common.kafka.subscription import subscribe
from libs.common.kafka.topic_specs import TopicSpec
from libs.common.kafka.topics import create_topics
from libs.common.observability.metrics import Metrics
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import DeadLetters, Record
from libs.common.processing.delivery import Taken
from libs.common.processing.routes import on
from libs.common.settings import CommonSettings
from libs.common.store.tables import core, inbox
from libs.common.testing.records import record

EVENTUALLY_S = 60.0
STILL_S = 1.0
SESSION_MS = 6_000
NEWER = b'{"version":99,'


@dataclass(kw_only=True)
class Replica(Consumer):
    """A replica of a service, on a topic of this test."""

    topic: str
    taken: list[tuple[int, int]] = field(default_factory=list)

    @property
    def topics(self) -> list[str]:
        return [self.topic]

    async def take(self, records: Sequence[Record]) -> Sequence[Taken]:
        self.taken += [(found.partition, found.offset) for found in records]
        return await super().take(records)

    @property
    def paused(self) -> float:
        labels = {"service": "ingest", "topic": self.topic}
        return self.metrics.registry.get_sample_value("partitions_paused", labels) or 0


class Upgraded(Replica):
    """The same service of a newer release, which knows the version."""

    async def take(self, records: Sequence[Record]) -> Sequence[Taken]:
        known = b'{"version":%d,' % DocumentDeleted.version
        return await super().take(
            [replace(found, value=(found.value or b"").replace(NEWER, known)) for found in records]
        )


class NoDeadLetters:
    async def send_and_wait(self, topic: str, *record: Any, **options: Any) -> None:
        raise AssertionError(f"dead letter for {topic}")


@dataclass(kw_only=True)
class Wire:
    """A topic of two partitions, and a database of who consumes it."""

    bootstrap: str
    database: Database
    topic: str = field(default_factory=lambda: f"test.{uuid4().hex}")

    async def send(self, partition: int, *, newer: bool = False) -> str:
        """Send an event; return its id."""
        event = DocumentDeleted(document_id=uuid4(), deleted_by=uuid4())
        made = record(event)
        known = b'{"version":%d,' % DocumentDeleted.version
        value = event.encode().replace(known, NEWER) if newer else event.encode()
        assert newer == value.startswith(NEWER)
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            await producer.send_and_wait(
                self.topic, value, made.key, partition=partition, headers=list(made.headers)
            )
        return str(event.event_id)

    @asynccontextmanager
    async def replica(
        self, kind: type[Replica] = Replica
    ) -> AsyncIterator[tuple[Replica, KafkaBroker]]:
        """Run a replica."""

        async def handler(event: DocumentDeleted) -> list[Any]:
            return []

        consumer = kind(
            database=self.database,
            service=self.topic,
            topic=self.topic,
            routes=[on(DocumentDeleted, handler)],
            dead_letters=DeadLetters(NoDeadLetters(), "ingest", max_in_place_s=60.0),
            metrics=Metrics("ingest"),
            max_attempts=5,
            max_in_place_s=60.0,
            max_consecutive_bugs=10,
        )
        settings = CommonSettings(
            kafka_bootstrap_servers=self.bootstrap, storage_url="file:///nowhere"
        )
        broker = consuming_broker(settings)
        application = subscribe(
            consumer,
            broker,
            paused=PausedPartitions(consumer.metrics),
            fetch_max_wait_ms=50,
            max_poll_interval_ms=300_000,
            session_timeout_ms=SESSION_MS,
        )
        await application.start()
        try:
            yield consumer, broker
        finally:
            await application.stop()

    async def handled(self) -> set[str]:
        """Return the ids of the events that were handled."""
        async with self.database.reading() as connection:
            return set(await connection.scalars(select(inbox.c.event_id)))

    async def until_handled(self, wanted: set[str]) -> None:
        """Wait until exactly these were handled."""
        async with asyncio.timeout(EVENTUALLY_S):
            while await self.handled() != wanted:
                await asyncio.sleep(0.05)


@pytest.fixture
async def wire(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[Wire]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/ingest.db")
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
    made = Wire(bootstrap=kafka_bootstrap, database=database)
    spec = TopicSpec(name=made.topic, partitions=2, replication_factor=1)
    await create_topics(kafka_bootstrap, [spec])
    yield made
    await database.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(EVENTUALLY_S):
        while not true():
            await asyncio.sleep(0.05)


def driver(broker: KafkaBroker) -> Any:
    """Return the consumer that FastStream has made."""
    subscriber: Any = broker.subscribers[0]
    return subscriber.consumer


def assigned(broker: KafkaBroker) -> int:
    return len(driver(broker).assignment())


async def test_one_partition_is_paused_and_the_other_goes_on(wire: Wire) -> None:
    sent = {await wire.send(partition) for partition in (0, 0, 0, 1)}
    await wire.send(0, newer=True)
    await wire.send(0)
    async with wire.replica() as (replica, broker):
        await until(lambda: replica.paused == 1)
        await wire.until_handled(sent)
        sent |= {await wire.send(1) for _ in range(3)}
        await wire.send(0)
        await wire.until_handled(sent)
        met = list(replica.taken)
        await asyncio.sleep(STILL_S)
        assert replica.taken == met, "what is paused does not come again and again"
    [first, *rest] = [offset for partition, offset in met if partition == 0]
    assert [first, *rest] in ([0, 1, 2, 3], [0, 1, 2, 3, 4])
    assert await wire.handled() == sent
    async with wire.replica() as (replica, broker):
        await until(lambda: replica.paused == 1)
        assert await driver(broker).committed(TopicPartition(wire.topic, 0)) == 3
        assert await driver(broker).committed(TopicPartition(wire.topic, 1)) == 4
    assert replica.taken[0] == (0, 3), "a restart meets it again, and nothing before it"
    assert await wire.handled() == sent


async def test_a_newer_replica_goes_on_exactly_there_once_the_older_ones_have_left(
    wire: Wire,
) -> None:
    sent = {await wire.send(partition) for partition in (0, 0, 1)}
    newer, behind = await wire.send(0, newer=True), await wire.send(0)
    async with wire.replica() as (first, of_first):
        await until(lambda: first.paused == 1)
        async with wire.replica() as (second, of_second):
            await until(lambda: assigned(of_first) == assigned(of_second) == 1)
            await until(lambda: first.paused + second.paused == 1)
            sent |= {await wire.send(1)}
            await wire.until_handled(sent)
        async with wire.replica(Upgraded) as (upgraded, of_upgraded):
            await until(lambda: assigned(of_upgraded) == 1)
            await of_first.stop()  # it leaves the group, as at the end of its process
            await wire.until_handled(sent | {newer, behind})
            assert upgraded.paused == 0
            assert [offset for partition, offset in upgraded.taken if partition == 0][-2:] == [2, 3]
