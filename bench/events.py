"""Consume, inbox, append, relay on real Kafka and PostgreSQL, against bare aiokafka.

    python -m bench.events [COUNT]

The handler answers every event with one event of its own. Bare: the same records are consumed and
as many are produced again, pipelined, without a database.
"""

import asyncio
import cProfile
import json
import pstats
import tempfile
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from faststream import FastStream

from bench.command_line import numbers
from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.database.engine import Database
from libs.common.kafka.broker import consuming_broker, producer
from libs.common.kafka.pausing import PausedPartitions
from libs.common.kafka.sender import Sender
from libs.common.kafka.subscription import subscribe
from libs.common.kafka.topic_specs import TopicSpec
from libs.common.kafka.topics import create_topics
from libs.common.observability.metrics import Metrics
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import DeadLetters
from libs.common.processing.relay import Relay
from libs.common.processing.routes import on
from libs.common.settings import CommonSettings, load
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import Effect
from libs.common.store.tables import core
from libs.common.testing.records import record
from libs.common.testing.servers import NativeKafka, NativePostgres

SERVICE = "bench"
IN, OUT = DocumentDeleted.topic, DocumentRejected.topic


async def answer(event: DocumentDeleted) -> Sequence[Effect]:
    """Return one event for every event."""
    return [
        DocumentRejected(
            document_id=event.document_id, owner_id=event.owner_id, code="bench", details=None
        )
    ]


async def fill(bootstrap: str, count: int) -> None:
    """Put ``count`` events on the topic."""
    filling = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await filling.start()
    sent = []
    for _ in range(count):
        event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
        made = record(event)
        sent.append(await filling.send(IN, made.value, made.key, headers=made.headers))
    await asyncio.gather(*sent)
    await filling.stop()


async def bare(bootstrap: str, count: int) -> float:
    """Consume everything and produce as much; return the seconds."""
    consumer = AIOKafkaConsumer(
        IN, bootstrap_servers=bootstrap, group_id="bare", auto_offset_reset="earliest"
    )
    answering = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await consumer.start()
    await answering.start()
    started = perf_counter()
    sent: list[Any] = []
    while len(sent) < count:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            sent += [await _pass_on(answering, raw) for raw in records]
    await asyncio.gather(*sent)
    seconds = perf_counter() - started
    await consumer.stop()
    await answering.stop()
    return seconds


async def _pass_on(answering: AIOKafkaProducer, record: ConsumerRecord) -> Any:
    return await answering.send(
        f"{OUT}.bare", record.value, record.key, headers=list(record.headers)
    )


async def ours(bootstrap: str, url: str, count: int) -> tuple[float, float, str]:
    """Run consumer and relay until all answers are on Kafka; return wall, CPU and a profile."""
    settings = load(
        CommonSettings, kafka_bootstrap_servers=bootstrap, storage_url="file:///nowhere"
    )
    database, metrics = Database(url), Metrics(SERVICE)
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
    sender = Sender(lambda: producer(settings))
    await sender.connect()
    relay = _relay(settings, database, sender, metrics)
    consuming = _consuming(settings, database, sender, metrics)
    relaying = asyncio.create_task(relay.run())
    started, cpu = perf_counter(), process_time()
    await consuming.start()
    await _until_sent(metrics, count)
    wall_s, cpu_s = perf_counter() - started, process_time() - cpu
    profile = cProfile.Profile()  # of the second half only: it slows everything down
    profile.enable()
    await _until_sent(metrics, 2 * count)
    profile.disable()
    await consuming.stop()
    relay.stop()
    await relaying
    await sender.stop()
    await database.close()
    return wall_s, cpu_s, _largest(profile)


def _relay(settings: CommonSettings, database: Database, sender: Sender, metrics: Metrics) -> Relay:
    return Relay(
        database=database,
        producer=sender,
        source="/lectern/bench",
        metrics=metrics,
        batch_size=settings.relay_batch_size,
        poll_interval_s=settings.relay_poll_interval_ms / 1000,
        lease_ms=settings.relay_lease_seconds * 1000,
    )


def _consuming(
    settings: CommonSettings, database: Database, sender: Sender, metrics: Metrics
) -> FastStream:
    consumer = Consumer(
        database=database,
        storage=MemoryStorage(),
        service=SERVICE,
        routes=[on(DocumentDeleted, answer)],
        dead_letters=DeadLetters(
            sender, SERVICE, max_in_place_s=settings.handler_max_retry_seconds
        ),
        metrics=metrics,
        max_attempts=settings.handler_max_attempts,
        max_in_place_s=settings.handler_max_retry_seconds,
        max_consecutive_bugs=settings.max_consecutive_bugs,
    )
    return subscribe(
        consumer,
        consuming_broker(settings),
        paused=PausedPartitions(metrics),
        fetch_max_wait_ms=settings.fetch_max_wait_ms,
        max_poll_interval_ms=settings.max_poll_interval_ms,
        session_timeout_ms=settings.session_timeout_ms,
    )


async def _until_sent(metrics: Metrics, count: int) -> None:
    while (
        metrics.registry.get_sample_value("relay_sent_total", {"service": SERVICE}) or 0
    ) < count:
        await asyncio.sleep(0.02)


def _largest(profile: cProfile.Profile) -> str:
    """Return the parts of the work by what they cost, as a share of all profiled time."""
    found = StringIO()
    stats = pstats.Stats(profile, stream=found)
    total = stats.total_tt  # type: ignore[attr-defined]
    packages: dict[str, float] = {}
    for (path, _, _), (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        parts = Path(path).parts
        name = parts[parts.index("site-packages") + 1] if "site-packages" in parts else "python"
        name = "lectern" if "libs" in parts else name
        name = "waiting" if path == "~" and own > total / 3 else name
        packages[name] = packages.get(name, 0.0) + own
    largest = sorted(packages.items(), key=lambda package: -package[1])[:6]
    return ", ".join(f"{name} {own / total:.0%}" for name, own in largest)


async def measure(count: int) -> dict[str, object]:
    """Start the servers, measure both, and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        kafka, postgres = NativeKafka(Path(folder) / "kafka"), NativePostgres()
        kafka.start()
        postgres.start()
        try:
            specs = [
                TopicSpec(name=name, partitions=1, replication_factor=1)
                for name in (IN, OUT, f"{OUT}.bare")
            ]
            await create_topics(kafka.bootstrap, specs)
            await fill(kafka.bootstrap, 2 * count)
            bare_s = await bare(kafka.bootstrap, count)
            postgres.create_database("bench")
            wall_s, cpu_s, profile = await ours(kafka.bootstrap, postgres.url("bench"), count)
        finally:
            postgres.stop()
            kafka.stop()
    return {
        "count": count,
        "bare_s": bare_s,
        "ours_s": wall_s,
        "ours_cpu_s": cpu_s,
        "profile": profile,
    }


def main() -> None:
    """Print the figures as JSON."""
    (count,) = numbers(__doc__, events=3000)
    print(json.dumps(asyncio.run(measure(count))))


if __name__ == "__main__":
    main()
