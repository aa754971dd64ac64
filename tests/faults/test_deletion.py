"""A document is handed in and deleted at the same time, before two replicas of ingest."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import DocumentDeleted, DocumentSubmitted
from libs.common.database.engine import Database
from libs.common.observability.metrics import Metrics
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import DeadLetters
from libs.common.processing.erasing import ERASE, Eraser
from libs.common.processing.job_kind import Job
from libs.common.processing.worker import Worker
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import Effect
from libs.common.store.tables import core, jobs
from libs.common.testing.records import record
from services.ingest.handlers import routes
from services.ingest.jobs import PARSE, ReadJob
from tests.faults.replica import NoDeadLetters

DOCUMENTS = 40
BATCH = 4
SWEEP_S = 0.5
EVENTUALLY_S = 60.0
OWNER = uuid4()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/ingest.db"
    return str(request.getfixturevalue("postgres_database"))


class Parser:
    """Stores two objects of a document, with time in between, as parsing does."""

    def __init__(self, storage: MemoryStorage, chance: random.Random) -> None:
        self._storage = storage
        self._chance = chance

    async def parse(self, job: Job[ReadJob]) -> Sequence[Effect]:
        for name in ("1.json", "2.json"):
            await asyncio.sleep(self._chance.uniform(0, 0.02))
            key = f"documents/{job.payload.document_id}/{name}"
            await self._storage.write(key, b"page")
        return []


class Replica:
    """A consumer and a worker of ingest, with a database pool of their own."""

    def __init__(self, url: str, storage: MemoryStorage, chance: random.Random) -> None:
        self.database = Database(url)
        metrics = Metrics("ingest")
        self.consumer = Consumer(
            database=self.database,
            storage=storage,
            service="ingest",
            routes=routes(),
            dead_letters=DeadLetters(NoDeadLetters(), "ingest", max_in_place_s=60.0),
            metrics=metrics,
            max_attempts=5,
            max_in_place_s=60.0,
            max_consecutive_bugs=0,
        )
        self.worker = Worker(
            database=self.database,
            storage=storage,
            service="ingest",
            routes=[
                PARSE.done_by(Parser(storage, chance).parse, slots=2),
                ERASE.done_by(Eraser(storage, SWEEP_S).erase, slots=2),
            ],
            metrics=metrics,
            lease_ms=3_000,
            poll_interval_s=0.02,
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.worker.run())
            yield
            self.worker.drain()


def submitted(document: UUID) -> DocumentSubmitted:
    details = ObjectRef(
        key=f"documents/{document}/details.json",
        sha256="0" * 64,
        size=1,
        media_type="application/json",
    )
    return DocumentSubmitted(
        document_id=document, owner_id=OWNER, source_kind="text", details=details
    )


def deleted(document: UUID) -> DocumentDeleted:
    return DocumentDeleted(document_id=document, owner_id=OWNER, deleted_by=OWNER)


async def deliver_at_once(replicas: Sequence["Replica"], chance: random.Random) -> set[str]:
    """Deliver both events of many documents, each pair to both replicas at one time."""
    documents = [uuid4() for _ in range(DOCUMENTS)]
    for first in range(0, DOCUMENTS, BATCH):
        some = documents[first : first + BATCH]
        in_any_order = (chance.sample(some, len(some)) for _ in replicas)
        await asyncio.gather(
            *(
                replica.consumer.take([record(made(document)) for document in order])
                for replica, made, order in zip(
                    replicas, (submitted, deleted), in_any_order, strict=True
                )
            )
        )
    return {str(document) for document in documents}


async def live(database: Database) -> set[str]:
    rows = await database.fetch(select(jobs.c.subject))
    return {row.subject for row in rows}


@asynccontextmanager
async def two_replicas(
    url: str, chance: random.Random
) -> AsyncIterator[tuple[Sequence[Replica], MemoryStorage]]:
    storage = MemoryStorage()
    replicas = [Replica(url, storage, chance) for _ in range(2)]
    async with replicas[0].database.transaction() as connection:
        await connection.run_sync(core.create_all)
    yield replicas, storage
    for replica in replicas:
        await replica.database.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_no_job_about_a_deleted_document_is_left(url: str, seed: int) -> None:
    chance = random.Random(seed)
    async with two_replicas(url, chance) as (replicas, _):
        documents = await deliver_at_once(replicas, chance)
        assert not documents & await live(replicas[0].database)


@pytest.mark.slow
async def test_no_object_of_a_deleted_document_is_left(url: str) -> None:
    chance = random.Random(1)
    async with two_replicas(url, chance) as (replicas, storage):
        async with replicas[0].working(), replicas[1].working():
            await deliver_at_once(replicas, chance)
            async with asyncio.timeout(EVENTUALLY_S):
                while await live(replicas[0].database):
                    await asyncio.sleep(0.05)
        assert [key async for key in storage.keys("documents/")] == []
