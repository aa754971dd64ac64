"""Jobs, and a worker that does them while a block runs."""

import asyncio
from datetime import datetime
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy import select, update

from libs.common.contracts.details import FailureDetails
from libs.common.contracts.documents import DocumentRejected
from libs.common.contracts.tasks import TaskFailed
from libs.common.observability.metrics import Metrics
from libs.common.processing.capacity.backpressure import Backpressure
from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.processing.worker import Worker
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import apply
from libs.common.store.tables import events, job_queues, jobs, now_ms
from libs.common.store.tombstones import tombstone


class Payload(BaseModel):
    document_id: UUID
    owner_id: UUID
    page: int = 1


def rejected(code="x", document_id=None, owner_id=None, details=None):
    return DocumentRejected(
        document_id=document_id or uuid4(),
        owner_id=owner_id or uuid4(),
        code=code,
        details=details,
    )


def gave_up(payload, reason):
    return [rejected(reason.code, payload.document_id, payload.owner_id, reason.details)]


def kind(soft_s=60, hard_s=90):
    limits = TimeLimits(soft_s=soft_s, hard_s=hard_s)
    return JobKind(name="k", payload=Payload, limits=limits, gave_up=gave_up)


async def add(database, count=1, first_page=1, **options):
    async with database.transaction() as connection:
        for n in range(count):
            payload = Payload(document_id=uuid4(), owner_id=uuid4(), page=first_page + n)
            await apply(connection, [kind().new(payload, subject="s", **options)], None)


async def rows(database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table).order_by(table.c.id))).all()


class Working:
    """A worker that runs while the block does."""

    def __init__(
        self,
        database,
        run,
        *,
        slots=1,
        slots_of_one=None,
        lease_ms=30_000,
        storage=None,
        hung=lambda: None,
        backpressure=None,
        **limits,
    ):
        self.database = database
        self.storage = storage or MemoryStorage()
        self.worker = Worker(
            database=database,
            storage=self.storage,
            service="ingest",
            routes=[kind(**limits).done_by(run, slots=slots, slots_of_one=slots_of_one)],
            metrics=Metrics("ingest"),
            lease_ms=lease_ms,
            poll_interval_s=0.05,
            hung=hung,
            backpressure=backpressure or Backpressure(),
        )

    async def __aenter__(self):
        self.task = asyncio.create_task(self.worker.run())
        return self

    async def __aexit__(self, *_):
        self.worker.drain()
        await self.task

    async def failures(self):
        """The events that say that work was given up."""
        return [
            TaskFailed.decode(
                row.body,
                event_id=UUID(row.event_id),
                occurred_at=datetime.fromisoformat(row.occurred_at),
            )
            for row in await rows(self.database, events)
            if row.topic == TaskFailed.topic
        ]

    async def reasons(self):
        """Why that was, for the owner."""
        return [
            (await read_details(self.storage, failed.details, FailureDetails)).reason
            for failed in await self.failures()
        ]

    def sample(self, name, **labels):
        labels = {"service": "ingest", "kind": "k"} | labels
        return self.worker.metrics.registry.get_sample_value(name, labels) or 0

    async def until(self, outcome, count=1):
        async with asyncio.timeout(20):
            while self.sample("job_seconds_count", outcome=outcome) < count:
                await asyncio.sleep(0.01)

    def attempts(self):
        """Of all jobs that are over."""
        return self.sample("job_attempts_sum")


async def crashed(database, crashes):
    """As if the process had ended while it did all jobs, so often in a row."""
    async with database.transaction() as connection:
        values = {"status": "running", "attempts": 1, "lease_token": 5, "crashes": crashes - 1}
        await connection.execute(update(jobs).values(**values, lease_until_ms=now_ms() - 1))
        await connection.execute(job_queues.delete())


async def bury(database, subject="s"):
    async with database.transaction() as connection:
        await apply(connection, [tombstone(subject)], None)
