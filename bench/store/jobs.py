"""What a backlog of jobs costs, and whom it holds up.

    python -m bench.store.jobs [ready jobs] [owners]

Recording, claiming, cancelling and counting with an empty table against one with a million ready
jobs, on SQLite and the installed PostgreSQL; then how long the job of somebody who has one takes
while others have many.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from statistics import median
from time import perf_counter
from typing import Any

import structlog
from pydantic import BaseModel
from sqlalchemy import text

from bench.command_line import numbers
from bench.store.databases import on_each_kind
from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import Job, JobKind, JobRoute
from libs.common.processing.time_limits import TimeLimits
from libs.common.processing.worker import Worker
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import Effect, apply
from libs.common.store.jobs.cancelling import CancelJobs
from libs.common.store.jobs.claiming import SlotRequest, claim
from libs.common.store.jobs.counting import counts
from libs.common.store.jobs.held_jobs import end
from libs.common.store.tables import core

ROUNDS = 100
LEASE_MS = 60_000


class Pause(BaseModel):
    """Work that takes so long."""

    seconds: float
    fails: bool = False


LIMITS = TimeLimits(soft_s=60, hard_s=90)
CUT = JobKind(name="cut", payload=Pause, limits=LIMITS)

FILL = """
    INSERT INTO jobs (kind, subject, owner, payload, status, attempts, max_attempts, run_at_ms,
                      created_at_ms)
    SELECT 'cut', 'document' || n || '/1', 'owner' || (n % {owners}),
           (SELECT payload FROM jobs LIMIT 1), 'ready', 0, 8, n, n
    FROM {source}
"""
FILL_QUEUES = """
    INSERT INTO job_queues (kind, owner, ready, turn)
    SELECT kind, owner, count(*), min(id) FROM jobs GROUP BY kind, owner
"""


async def fill(database: Database, count: int, owners: int) -> None:
    """Put ready jobs into the table, in one statement: recording them is what is measured."""
    if database.sqlite:
        series = f"SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}"
        source = f"(WITH RECURSIVE numbers(n) AS ({series}) SELECT n FROM numbers)"
    else:
        source = f"generate_series(1, {count}) AS n"
    statement = FILL.format(owners=owners, source=source)
    async with database.transaction() as connection:
        await apply(connection, [CUT.new(Pause(seconds=0), subject="first")], None)
        await connection.execute(text(statement))
        await connection.execute(text("DELETE FROM job_queues"))
        await connection.execute(text(FILL_QUEUES))
    async with database.querying() as connection:
        await connection.execute(text("ANALYZE" if database.sqlite else "VACUUM ANALYZE"))
    await database.empty_log()


async def record(database: Database, number: int) -> None:
    """Record one job of one of ten owners."""
    job = CUT.new(Pause(seconds=0), subject=f"new{number}", owner=f"owner{number % 10}")
    async with database.transaction() as connection:
        await apply(connection, [job], None)


async def take(database: Database, _number: int) -> None:
    """Claim one job and end it."""
    room = SlotRequest(kind=CUT.name, free=1, share=1, most=1)
    async with database.transaction() as connection:
        [held] = await claim(connection, room, LEASE_MS)
    async with database.transaction() as connection:
        await end(connection, held)


async def cancel(database: Database, number: int) -> None:
    """Cancel one job by its subject."""
    async with database.transaction() as connection:
        await apply(connection, [CancelJobs(f"new{number}")], None)


async def tell(database: Database, _number: int) -> None:
    """Count what is ready, and how old it is."""
    async with database.reading() as connection:
        await counts(connection, [CUT.name])


STEPS: Sequence[Callable[[Database, int], Coroutine[Any, Any, None]]] = (record, cancel, take, tell)


async def timed(databases: Sequence[Database]) -> dict[str, list[float]]:
    """Return the median of each step in milliseconds, in each database; they take turns."""
    found = {}
    for step in STEPS:
        if step is take:
            for number in range(ROUNDS):
                for database in databases:
                    await record(database, number)
        spent: list[list[float]] = [[] for _ in databases]
        for number in range(ROUNDS):
            for database, times in zip(databases, spent, strict=True):
                started = perf_counter()
                await step(database, number)
                times.append(perf_counter() - started)
        found[step.__name__] = [median(times) * 1000 for times in spent]
    return found


async def growth(empty: Database, full: Database, name: str, count: int, owners: int) -> None:
    """Print what each step costs with an empty table and with a full one."""
    await fill(full, count, owners)
    for step, (before, after) in (await timed([empty, full])).items():
        print(
            f"{name:11} {step:8} {before:8.2f} ms empty {after:8.2f} ms"
            f" at {count:,} of {owners} {after / before:6.2f} x",
            flush=True,
        )


@asynccontextmanager
async def at_work(database: Database, slots: int, slots_of_one: int) -> AsyncIterator[None]:
    """Have jobs done while the block runs; what is left is then forgotten."""

    async def work(job: Job[Pause]) -> Sequence[Effect]:
        await asyncio.sleep(job.payload.seconds)
        if job.payload.fails:
            raise Unavailable("it does not answer")
        return []

    route: JobRoute = CUT.done_by(work, slots=slots, slots_of_one=slots_of_one)
    worker = Worker(
        database=database,
        storage=MemoryStorage(),
        service="bench",
        routes=[route],
        metrics=Metrics("bench"),
        lease_ms=LEASE_MS,
        poll_interval_s=0.2,
    )
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})
        async with database.transaction() as connection:
            await connection.execute(text("DELETE FROM jobs"))
            await connection.execute(text("DELETE FROM job_queues"))


async def of_somebody_with_one(database: Database) -> float:
    """Return how long, in seconds, the only job of an owner takes that takes 50 ms by itself."""
    started = perf_counter()
    async with database.transaction() as connection:
        await apply(connection, [CUT.new(Pause(seconds=0.05), subject="one", owner="one")], None)
    left = text("SELECT count(*) FROM jobs WHERE subject = 'one'")
    while True:
        async with database.querying() as connection:
            if not await connection.scalar(left):
                return perf_counter() - started
        await asyncio.sleep(0.002)


LOADS = {
    "2,000 pages of another": (2000, Pause(seconds=0.05), 3, 3),
    "40 addresses that never answer": (40, Pause(seconds=20), 8, 4),
    "200 retries of another": (200, Pause(seconds=0.02, fails=True), 3, 3),
}
"""What another owner has: how many jobs of what; slots, and how many of them one owner may have."""


async def fairness(database: Database, name: str) -> None:
    """Print how long the job of somebody who has one takes without and with each load."""
    for load, (count, page, slots, slots_of_one) in LOADS.items():
        quiet, beside = [
            await beside_load(database, [page] * some, slots, slots_of_one) for some in (0, count)
        ]
        print(
            f"{name:11} one page alone {quiet * 1000:6.0f} ms, beside {load:32}"
            f" {beside * 1000:6.0f} ms {beside / quiet:6.2f} x",
            flush=True,
        )


async def beside_load(
    database: Database, load: Sequence[Pause], slots: int, slots_of_one: int
) -> float:
    """Return the median of :func:`of_somebody_with_one` while another owner has ``load``."""
    async with at_work(database, slots, slots_of_one):
        jobs = [CUT.new(page, subject=f"many/{n}", owner="many") for n, page in enumerate(load)]
        async with database.transaction() as connection:
            await apply(connection, jobs, None)
        await asyncio.sleep(1)
        return median([await of_somebody_with_one(database) for _ in range(9)])


async def compare(urls: Sequence[str], count: int, owners: int) -> None:
    """Print all of it for one kind of database; ``urls`` are those of two."""
    databases = [Database(url) for url in urls]
    for database in databases:
        async with database.transaction() as connection:
            await connection.run_sync(core.create_all)
    empty, full = databases
    name = "SQLite" if empty.sqlite else "PostgreSQL"
    await fairness(empty, name)
    await growth(empty, full, name, count, owners)
    for database in databases:
        await database.close()


def main() -> None:
    """Measure on SQLite, then start PostgreSQL, measure, stop it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    count, owners = numbers(__doc__, jobs=1_000_000, owners=10)
    on_each_kind(lambda _, *urls: asyncio.run(compare(urls, count, owners)), "empty", "full")


if __name__ == "__main__":
    main()
