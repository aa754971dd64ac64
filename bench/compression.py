"""Three ways to have public topics stored as gzip, against lz4 for all, on real Kafka.

    python -m bench.compression [PAGES [ROUNDS]]

Of each page there are five events, one of them public, made of the golden samples with identifiers
and digests of their own. The relay sends them from PostgreSQL. Every round measures all ways in an
order of its own, lz4 twice, which shows what chance does. Figures are ratios to lz4, medians of the
rounds; bytes are those that Kafka stores.
"""

import asyncio
import json
import random
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from uuid import uuid4

import psutil

from bench.command_line import numbers
from libs.common.contracts.base import Event
from libs.common.contracts.catalog import event_by_topic
from libs.common.database.engine import Database
from libs.common.kafka.broker import producer
from libs.common.kafka.sender import Sender
from libs.common.kafka.topic_specs import TopicSpec
from libs.common.kafka.topics import create_topics
from libs.common.observability.metrics import Metrics
from libs.common.processing.outgoing import Outcome, OutgoingRecord
from libs.common.processing.relay import Relay
from libs.common.settings import CommonSettings, load
from libs.common.store.effects import apply
from libs.common.store.tables import core
from libs.common.testing.servers import NativeKafka, NativePostgres

GOLDEN = Path(__file__).resolve().parents[1] / "docs" / "events" / "golden"
PUBLIC = "audio.ready"
OTHERS = ("page.extracted", "page.segmented", "audio.requested", "audio.progressed")
PARTITIONS = 12
APPEND_AT_ONCE = 500
IDENTIFIER = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LZ4 = "lz4 for all"


@dataclass(frozen=True)
class Way:
    """How public topics may come to be gzip."""

    producers: Mapping[str, str]
    """Compression by topic; all others are sent by the producer of ``""``."""
    stored: str
    """``compression.type`` of the public topic: of the broker, or as the producer has sent it."""


WAYS = {
    LZ4: Way({"": "lz4"}, "producer"),
    "lz4 again": Way({"": "lz4"}, "producer"),
    "gzip by the broker": Way({"": "lz4"}, "gzip"),
    "gzip for all": Way({"": "gzip"}, "producer"),
    "two producers": Way({"": "lz4", PUBLIC: "gzip"}, "producer"),
}


@dataclass(frozen=True, kw_only=True)
class RelayCost:
    """What it took to send all events."""

    wall_s: float
    cpu_s: float
    broker_cpu_s: float
    public_bytes: int
    other_bytes: int


@dataclass(frozen=True)
class Senders:
    """A producer for each compression, chosen by topic."""

    by_topic: Mapping[str, Sender]

    async def send_all(self, records: Sequence[OutgoingRecord]) -> Sequence[Outcome]:
        """Send each record with the producer of its topic."""
        outcomes: dict[int, Outcome] = {}
        for name, sender in self.by_topic.items():
            mine = [
                place
                for place, record in enumerate(records)
                if name == (record.topic if record.topic in self.by_topic else "")
            ]
            sent = await sender.send_all([records[place] for place in mine])
            outcomes |= dict(zip(mine, sent, strict=True))
        return [outcomes[place] for place in range(len(records))]


@dataclass
class Bench:
    """Servers to measure with."""

    kafka: NativeKafka
    url: str

    async def measure(self, name: str, pages: int) -> RelayCost:
        """Send ``pages`` anew in one way."""
        way = WAYS[name]
        await self._topics(way.stored)
        database = Database(self.url)
        async with database.transaction() as connection:
            await connection.run_sync(core.drop_all)
            await connection.run_sync(core.create_all)
        found = list(events(pages))
        for start in range(0, len(found), APPEND_AT_ONCE):
            async with database.transaction() as connection:
                await apply(connection, found[start : start + APPEND_AT_ONCE], None)
        cost = await self._send(database, way)
        await database.close()
        return cost

    async def _topics(self, stored: str) -> None:
        await create_topics(
            self.kafka.bootstrap,
            [
                TopicSpec(
                    name=topic,
                    partitions=PARTITIONS,
                    replication_factor=1,
                    config={"compression.type": stored if topic == PUBLIC else "producer"},
                    enforced=frozenset({"compression.type"}),
                )
                for topic in (PUBLIC, *OTHERS)
            ],
        )

    async def _send(self, database: Database, way: Way) -> RelayCost:
        senders = {topic: self._sender(name) for topic, name in way.producers.items()}
        for sender in senders.values():
            await sender.connect()
        relay = Relay(
            database=database,
            producer=Senders(senders),
            source="/lectern/bench",
            metrics=Metrics("bench"),
            batch_size=500,
            poll_interval_s=0.2,
            lease_ms=10_000,
        )
        before = self._stored(PUBLIC), sum(map(self._stored, OTHERS))
        wall, cpu, of_broker = perf_counter(), process_time(), self._broker_cpu_s()
        while await relay.send_batch():
            pass
        cost = RelayCost(
            wall_s=perf_counter() - wall,
            cpu_s=process_time() - cpu,
            broker_cpu_s=self._broker_cpu_s() - of_broker,
            public_bytes=self._stored(PUBLIC) - before[0],
            other_bytes=sum(map(self._stored, OTHERS)) - before[1],
        )
        for sender in senders.values():
            await sender.stop()
        return cost

    def _sender(self, compression: str) -> Sender:
        settings = load(
            CommonSettings,
            kafka_bootstrap_servers=self.kafka.bootstrap,
            storage_url="file:///nowhere",
            kafka_compression=compression,
        )
        return Sender(lambda: producer(settings))

    def _broker_cpu_s(self) -> float:
        times = psutil.Process(self.kafka.process.pid).cpu_times()
        return float(times.user + times.system)

    def _stored(self, topic: str) -> int:
        logs = self.kafka.directory.rglob(f"{topic}-*/*.log")
        return sum(log.stat().st_size for log in logs)


def events(pages: int) -> Iterator[Event]:
    """Yield the events of ``pages``, each about a document of its own."""
    samples = {topic: _sample(topic) for topic in (*OTHERS, PUBLIC)}
    for _ in range(pages):
        anew: dict[str, str] = {}
        for topic, sample in samples.items():
            value = IDENTIFIER.sub(lambda found: _another(found[0], anew), sample)  # noqa: B023
            yield event_by_topic()[topic].decode(
                value.encode(), event_id=uuid4(), occurred_at=datetime.now(UTC)
            )


def _sample(topic: str) -> str:
    newest = max((GOLDEN / topic).glob("v*.json"), key=lambda path: int(path.stem[1:]))
    return json.dumps(json.loads(newest.read_text())["value"])


def _another(identifier: str, anew: dict[str, str]) -> str:
    """Return what stands for an identifier in this page."""
    other = str(uuid4()) if "-" in identifier else secrets.token_hex(32)
    return anew.setdefault(identifier, other)


async def measure(pages: int, rounds: int) -> dict[str, dict[str, float]]:
    """Start the servers, measure all ways, and return ratios to lz4 by way."""
    with tempfile.TemporaryDirectory() as folder:
        kafka, postgres = NativeKafka(Path(folder) / "kafka"), NativePostgres()
        kafka.start()
        postgres.start()
        try:
            postgres.create_database("bench")
            bench = Bench(kafka, postgres.url("bench"))
            names = list(WAYS)
            for name in names:  # to warm servers up
                await bench.measure(name, pages)
            found: list[dict[str, RelayCost]] = []
            for _ in range(rounds):
                turn = random.sample(names, len(names))
                found.append({name: await bench.measure(name, pages) for name in turn})
        finally:
            postgres.stop()
            kafka.stop()
    return {name: _ratios(name, found) for name in names}


def _ratios(name: str, rounds: list[dict[str, RelayCost]]) -> dict[str, float]:
    return {
        figure: round(median(vars(r[name])[figure] / vars(r[LZ4])[figure] for r in rounds), 2)
        for figure in vars(rounds[0][name])
    }


def main() -> None:
    """Print the ratios as JSON."""
    pages, rounds = numbers(__doc__, pages=2000, rounds=8)
    print(json.dumps(asyncio.run(measure(pages, rounds)), indent=2))


if __name__ == "__main__":
    main()
