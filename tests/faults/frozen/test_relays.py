"""A relay stands still, as on a host that is frozen, while others append: another one goes on."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.native.services import ROOT
from libs.common.contracts.documents import DocumentRejected
from libs.common.database.engine import Database
from libs.common.kafka.topic_specs import TopicSpec
from libs.common.kafka.topics import create_topics
from libs.common.store.event_store import append
from libs.common.store.tables import core
from libs.common.testing.processes import Program, ServerProcess

RESUMED_S = 30.0
"""What the service promises, with a lease of ten seconds."""
DOCUMENTS = 5
PER_TRANSACTION = 20
EVENTUALLY_S = 60.0


class Appender:
    """Appends events of a few documents, one after the other, each with its number."""

    def __init__(self, database: Database) -> None:
        self.documents = [uuid4() for _ in range(DOCUMENTS)]
        self.count = 0
        self._database = database
        self._goes_on = False

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        self._goes_on = True
        working = asyncio.create_task(self._append())
        yield
        self._goes_on = False  # not cancelled: what is committed has to be counted
        await working

    async def _append(self) -> None:
        while self._goes_on:
            made = [self._event(self.count + number) for number in range(PER_TRANSACTION)]
            async with self._database.transaction() as connection:
                await append(connection, made)
            self.count += PER_TRANSACTION
            await asyncio.sleep(0.01)

    def _event(self, number: int) -> DocumentRejected:
        document = self.documents[number % DOCUMENTS]
        return DocumentRejected(
            document_id=document, owner_id=document, code=f"n{number}", details=None
        )


class Reader:
    """Reads what arrives about some documents; what came before it drops, as an inbox does."""

    def __init__(self, consumer: AIOKafkaConsumer, documents: list[UUID]) -> None:
        self._consumer = consumer
        self.numbers: dict[bytes, list[int]] = {str(one).encode(): [] for one in documents}
        self.twice = 0
        self._seen: set[bytes] = set()

    @property
    def count(self) -> int:
        return len(self._seen)

    async def run(self) -> None:
        async for record in self._consumer:
            if record.key not in self.numbers:
                continue  # of another test
            event_id = dict(record.headers)["ce_id"]
            if event_id in self._seen:
                self.twice += 1
                continue
            self._seen.add(event_id)
            code = DocumentRejected.read(record.value).code
            self.numbers[record.key].append(int(code.removeprefix("n")))

    async def until(self, count: int, patience_s: float = EVENTUALLY_S) -> float:
        """Wait until so many have arrived; return the seconds."""
        began = time.monotonic()
        async with asyncio.timeout(patience_s):
            while self.count < count:
                await asyncio.sleep(0.05)
        return time.monotonic() - began


@contextmanager
def relay_process(name: str, url: str, bootstrap: str, logs: Path) -> Iterator[int]:
    """Run a relay; yields its process id."""
    program = Program(
        name=name,
        command=[sys.executable, "-m", "tests.faults.relay_process", url],
        log=logs / f"{name}.log",
        directory=ROOT,
        environment={
            "LECTERN_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "LECTERN_STORAGE_URL": "file:///nowhere",
        },
    )
    process = ServerProcess(program, guarded=True)
    try:
        yield process.pid
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.kill()


@pytest.mark.slow
async def test_another_relay_goes_on_and_nothing_is_lost_or_out_of_order(
    kafka_bootstrap: str, postgres_database: str, tmp_path: Path
) -> None:
    topic = DocumentRejected.topic
    await create_topics(
        kafka_bootstrap, [TopicSpec(name=topic, partitions=2, replication_factor=1)]
    )
    database = Database(postgres_database)
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
    appender = Appender(database)
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        reader = Reader(consumer, appender.documents)
        reading = asyncio.create_task(reader.run())
        with relay_process("first", postgres_database, kafka_bootstrap, tmp_path) as first:
            async with appender.at_work():
                await reader.until(1)
                with relay_process("second", postgres_database, kafka_bootstrap, tmp_path) as other:
                    for leader in (first, other):
                        os.kill(leader, signal.SIGSTOP)
                        await asyncio.sleep(1.0)  # until what it had sent has arrived
                        await reader.until(appender.count + 1, RESUMED_S)
                        os.kill(leader, signal.SIGCONT)
                        await reader.until(appender.count + 1, RESUMED_S)
            await reader.until(appender.count)
        reading.cancel()
    for document, numbers in enumerate(reader.numbers.values()):
        assert numbers == [*range(document, appender.count, DOCUMENTS)]
    await database.close()
