"""Replicas of a service in this process, on real Kafka, with a topic and a database of a test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
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
from libs.common.storage.memory import MemoryStorage
from libs.common.store.tables import core, inbox
from libs.common.testing.records import record

EVENTUALLY_S = 60.0
SESSION_MS = 6_000
NEWER = b'{"version":99,'


@dataclass(kw_only=True)
class Replica(Consumer):
    """A replica of a service, on a topic of this test."""

    topic: str
    taken: list[tuple[int, int]] = field(default_factory=list)
    keys: dict[bytes, list[str]] = field(default_factory=dict)

    @property
    def topics(self) -> list[str]:
        return [self.topic]

    async def take(self, records: Sequence[Record]) -> Sequence[Taken]:
        self.taken += [(found.partition, found.offset) for found in records]
        for found in records:
            event_id = dict(found.headers)["ce_id"].decode()
            self.keys.setdefault(found.key or b"", []).append(event_id)
        return await super().take(records)

    @property
    def paused(self) -> float:
        labels = {"service": "ingest", "topic": self.topic}
        return self.metrics.registry.get_sample_value("partitions_paused", labels) or 0


class NoDeadLetters:
    async def send_and_wait(self, topic: str, *record: Any, **options: Any) -> None:
        raise AssertionError(f"dead letter for {topic}")


@dataclass(kw_only=True)
class OneTopic:
    """A topic, and the database of who consumes it."""

    bootstrap: str
    database: Database
    topic: str = field(default_factory=lambda: f"test.{uuid4().hex}")

    async def with_partitions(self, count: int) -> str:
        """Have the topic have so many partitions; return what was done about it."""
        spec = TopicSpec(name=self.topic, partitions=count, replication_factor=1)
        (outcome,) = await create_topics(self.bootstrap, [spec])
        return outcome.action

    async def send(
        self, partition: int | None = None, *, about: UUID | None = None, newer: bool = False
    ) -> str:
        """Send an event, to the partition of its key unless one is named; return its id."""
        document = about or uuid4()
        event = DocumentDeleted(document_id=document, owner_id=uuid4(), deleted_by=uuid4())
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
            storage=MemoryStorage(),
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


@asynccontextmanager
async def one_topic(bootstrap: str, folder: Path, partitions: int) -> AsyncIterator["OneTopic"]:
    """Make a topic and a database."""
    database = Database(f"sqlite+aiosqlite:///{folder}/ingest.db")
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
    made = OneTopic(bootstrap=bootstrap, database=database)
    await made.with_partitions(partitions)
    yield made
    await database.close()
