"""Jobs that become ready: their time has come, or whoever held them is gone.

A lease that ends by itself is a crash: whoever renews it would have said what went wrong. One that
was running at several in a row is suspected of having caused them, and runs alone from then on.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, bindparam, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from libs.common.database.wakeups import JOBS, notify_after_commit
from libs.common.store.jobs.queues import Queue, count
from libs.common.store.tables import IS_RUNNING, READY, SUSPECT, WAITING, jobs, now_ms

SUSPECT_AFTER_CRASHES = 2
SUSPECT_RESTS_MS = 30_000
"""How long one that is suspected rests when its process is gone, as if a lease had to end.

Whoever kills the process time and again within seconds does not make a healthy job look guilty.
"""
AT_ONCE = 1000


def free_status(crashes: ColumnElement[int]) -> ColumnElement[str]:
    """Return the status of a job that nobody holds and that is due."""
    return case((crashes >= SUSPECT_AFTER_CRASHES, SUSPECT), else_=READY)


def _chosen(condition: ColumnElement[bool], **values: Any) -> ReturningUpdate[Any]:
    """Return what frees some of the jobs that nobody else is changing."""
    chosen = (
        select(jobs.c.id)
        .where(condition)
        .limit(bindparam("limit", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    return (
        update(jobs)
        .where(jobs.c.id.in_(select(chosen.c.id)))
        .values(values)
        .returning(jobs.c.kind, jobs.c.owner, jobs.c.status)
    )


CRASHED = {
    "status": free_status(jobs.c.crashes + 1),
    "crashes": jobs.c.crashes + 1,
    "attempts": jobs.c.attempts - 1,
    "lease_token": jobs.c.lease_token + 1,
    "lease_until_ms": None,
}
"""It is not the attempt that failed, and its worker is fenced off if it is there after all."""

IS_DUE = and_(
    jobs.c.status == WAITING,
    jobs.c.kind.in_(bindparam("kinds", expanding=True)),
    jobs.c.run_at_ms <= now_ms(),
)
IS_EXPIRED = and_(
    IS_RUNNING,
    jobs.c.kind.in_(bindparam("kinds", expanding=True)),
    jobs.c.lease_until_ms < now_ms(),
)
_MAKE_READY = _chosen(IS_DUE, status=free_status(jobs.c.crashes))
_RELEASE = _chosen(IS_EXPIRED, **CRASHED)
_IS_SUSPECT_NOW = jobs.c.crashes + 1 >= SUSPECT_AFTER_CRASHES
_RESTING = {
    "status": case((_IS_SUSPECT_NOW, WAITING), else_=READY),
    "run_at_ms": case((_IS_SUSPECT_NOW, now_ms() + SUSPECT_RESTS_MS), else_=jobs.c.run_at_ms),
}
_RELEASE_ALL = (
    update(jobs)
    .where(IS_RUNNING)
    .values(CRASHED | _RESTING)
    .returning(jobs.c.kind, jobs.c.owner, jobs.c.status)
)


async def make_ready(
    connection: AsyncConnection, kinds: Sequence[str], at_once: int = AT_ONCE
) -> bool:
    """Have jobs that are due, and those of expired leases, claimed; False if more are left.

    Call at the beginning of a transaction of its own.
    """
    wanted = {"kinds": list(kinds), "limit": at_once}
    freed = [
        (await connection.execute(statement, wanted)).all() for statement in (_RELEASE, _MAKE_READY)
    ]
    await _count_ready(connection, [row for rows in freed for row in rows])
    return all(len(rows) < at_once for rows in freed)


async def release_all(connection: AsyncConnection) -> int:
    """Put all running jobs back, and return how many: every worker of this database is gone.

    Each counts a crash, for a worker that was asked to stop would have given them back. One that is
    suspected from now on rests first.
    """
    released = (await connection.execute(_RELEASE_ALL)).all()
    await _count_ready(connection, released)
    if released:
        notify_after_commit(connection, JOBS)
    return len(released)


async def _count_ready(connection: AsyncConnection, freed: Sequence[Any]) -> None:
    ready: Counter[Queue] = Counter((row.kind, row.owner) for row in freed if row.status == READY)
    await count(connection, ready)
