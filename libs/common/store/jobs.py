"""Long work as leased rows: claim, renew, finish, fail.

Every change of a running job is guarded by its lease token, so a worker that wakes up after its
lease was taken cannot write. Between owners, turns are dealt as in start-time fair queueing (Goyal,
Vin and Cheng 1996): a job's ``turn`` follows its owner's last one, so somebody with one page does
not wait for somebody else's thousand.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from pydantic import BaseModel
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    Integer,
    Text,
    Update,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from libs.common.contracts.base import Versioned
from libs.common.database.upsert import Write
from libs.common.database.wakeups import CANCELLED as CANCELLATIONS
from libs.common.database.wakeups import JOBS, notify_after_commit
from libs.common.store.tables import LIVE as IS_LIVE
from libs.common.store.tables import jobs, now_ms

READY, RUNNING, DONE, FAILED, CANCELLED = "ready", "running", "done", "failed", "cancelled"
LIVE = (READY, RUNNING)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """Work to be recorded together with the event that caused it.

    ``subject`` is what :class:`CancelJobs` names, ``owner`` whom fairness is between; a lower
    ``priority`` goes first.
    """

    kind: str
    payload: BaseModel
    subject: str
    owner: str = ""
    priority: int = 100
    max_attempts: int = 8
    delay_ms: int = 0


@dataclass(frozen=True)
class CancelJobs:
    """Give up all unfinished jobs about ``subject`` or anything below it (``subject/...``).

    Running ones lose their lease.
    """

    subject: str
    kind: str | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job that this worker holds until its lease ends: a row of the table, as claiming left it.

    The fields are columns.
    """

    id: int
    kind: str
    subject: str
    payload: bytes
    attempts: int
    max_attempts: int
    lease_token: int
    traceparent: str | None


def _encoded(payload: BaseModel) -> bytes:
    """An event says its version, so that replicas of two releases can share a table of jobs."""
    if isinstance(payload, Versioned):
        return payload.encode()
    return payload.model_dump_json().encode()


def new_job(dialect: str, job: NewJob, traceparent: str | None) -> Write:
    """Return the row that records ``job``; notify of ``JOBS`` after the commit."""
    row = {
        "kind": job.kind,
        "subject": job.subject,
        "owner": job.owner,
        "priority": job.priority,
        "payload": _encoded(job.payload),
        "max_attempts": job.max_attempts,
        "delay_ms": job.delay_ms,
        "traceparent": traceparent,
    }
    return Write(_ENQUEUE[dialect], row)


def _enqueue_statement(larger: Callable[..., ColumnElement[Any]]) -> Insert:
    mine = and_(jobs.c.owner == bindparam("owner"), IS_LIVE)
    after_mine = select(func.max(jobs.c.turn) + 1).where(mine).scalar_subquery()
    same = jobs.c.kind == bindparam("kind")
    due = and_(same, jobs.c.status == READY, jobs.c.run_at_ms <= now_ms())
    next_one = select(func.min(jobs.c.turn)).where(due).scalar_subquery()
    at_work = select(func.max(jobs.c.turn)).where(same, jobs.c.status == RUNNING).scalar_subquery()
    now_served = func.coalesce(next_one, at_work, 0)
    return insert(jobs).values(
        kind=bindparam("kind"),
        subject=bindparam("subject"),
        owner=bindparam("owner"),
        priority=bindparam("priority"),
        turn=larger(func.coalesce(after_mine, 0), now_served),
        payload=bindparam("payload"),
        status=READY,
        attempts=0,
        max_attempts=bindparam("max_attempts"),
        run_at_ms=now_ms() + bindparam("delay_ms", type_=BigInteger()),
        traceparent=bindparam("traceparent"),
        created_at_ms=now_ms(),
    )


_ENQUEUE = {
    "postgresql": _enqueue_statement(func.greatest),
    "sqlite": _enqueue_statement(func.max),
}


async def claim(
    connection: AsyncConnection, kinds: list[str], lease_ms: int, limit: int = 1
) -> list[Claim]:
    """Take the next jobs of ``kinds``, at most ``limit``, in the order in which they are due."""
    wanted = {"kinds": kinds, "lease_ms": lease_ms, "limit": limit}
    rows = (await connection.execute(_CLAIM, wanted)).all()
    due = sorted(rows, key=lambda row: (row.priority, row.turn, row.id))
    return [Claim(**{name: row._mapping[name] for name in _CLAIMED}) for row in due]


def _claim_statement() -> ReturningUpdate[Any]:
    claimable = or_(
        and_(jobs.c.status == READY, jobs.c.run_at_ms <= now_ms()),
        and_(jobs.c.status == RUNNING, jobs.c.lease_until_ms < now_ms()),
    )
    chosen = (
        select(jobs.c.id)
        .where(
            jobs.c.status.in_(LIVE),
            jobs.c.kind.in_(bindparam("kinds", expanding=True)),
            claimable,
        )
        .order_by(jobs.c.priority, jobs.c.turn, jobs.c.id)
        .limit(bindparam("limit", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte("chosen")  # chosen once: as a plain subquery it may be run again for each row
    )
    return (
        update(jobs)
        .where(jobs.c.id.in_(select(chosen.c.id)))
        .values(
            status=RUNNING,
            attempts=jobs.c.attempts + 1,
            lease_token=jobs.c.lease_token + 1,
            lease_until_ms=now_ms() + bindparam("lease_ms", type_=BigInteger()),
        )
        .returning(*(jobs.c[name] for name in _CLAIMED), jobs.c.priority, jobs.c.turn)
    )


_CLAIMED = [field.name for field in fields(Claim)]
_CLAIM = _claim_statement()
"""Built once: an idle worker runs it every second."""


def _change(**values: Any) -> Update:
    """Return a change of a job that only goes through while its lease is held."""
    return (
        update(jobs)
        .where(
            jobs.c.id == bindparam("held_id"),
            jobs.c.lease_token == bindparam("held_token"),
            jobs.c.status == RUNNING,
        )
        .values(values)
    )


_LATER = now_ms() + bindparam("ms", type_=BigInteger())
_OVER = {"finished_at_ms": now_ms(), "lease_until_ms": None}
_FREE = {"status": READY, "lease_until_ms": None}
_UNCOUNTED = {"attempts": jobs.c.attempts - 1}
_ERROR = bindparam("error", type_=Text())

_RENEW = _change(lease_until_ms=_LATER)
_FINISH = _change(status=DONE, **_OVER)
_RETRY = _change(**_FREE, run_at_ms=_LATER, last_error=_ERROR)
_POSTPONE = _change(**_FREE, **_UNCOUNTED, run_at_ms=_LATER, last_error=_ERROR)
_GIVE_BACK = _change(**_FREE, **_UNCOUNTED)
_FAIL = _change(status=FAILED, last_error=_ERROR, **_OVER)


async def _apply(connection: AsyncConnection, change: Update, held: Claim, **values: Any) -> bool:
    held_by = {"held_id": held.id, "held_token": held.lease_token}
    result = await connection.execute(change, held_by | values)
    return bool(result.rowcount == 1)


async def renew(connection: AsyncConnection, held: Claim, lease_ms: int) -> bool:
    """Extend the lease; False when it is no longer ours."""
    return await _apply(connection, _RENEW, held, ms=lease_ms)


async def finish(connection: AsyncConnection, held: Claim) -> bool:
    """Mark the job done; False when the lease is no longer ours, and nothing may be written."""
    return await _apply(connection, _FINISH, held)


async def retry(connection: AsyncConnection, held: Claim, delay_ms: int, error: str) -> bool:
    """Put the job back, to be claimed again after ``delay_ms``."""
    return await _apply(connection, _RETRY, held, ms=delay_ms, error=error)


async def postpone(connection: AsyncConnection, held: Claim, delay_ms: int, error: str) -> bool:
    """Put the job back as with :func:`retry`, and do not count the attempt."""
    return await _apply(connection, _POSTPONE, held, ms=delay_ms, error=error)


async def give_back(connection: AsyncConnection, held: Claim) -> bool:
    """Put the job back untouched: this worker is stopping, and the attempt does not count."""
    return await _apply(connection, _GIVE_BACK, held)


async def fail(connection: AsyncConnection, held: Claim, error: str) -> bool:
    """Give the job up."""
    return await _apply(connection, _FAIL, held, error=error)


async def cancel(connection: AsyncConnection, cancelled: CancelJobs) -> None:
    """Cancel unfinished jobs; the token moves on, so running workers are fenced off."""
    about = or_(
        jobs.c.subject == cancelled.subject,
        jobs.c.subject.startswith(f"{cancelled.subject}/", autoescape=True),
    )
    condition = and_(about, jobs.c.status.in_(LIVE))
    if cancelled.kind is not None:
        condition = and_(condition, jobs.c.kind == cancelled.kind)
    await connection.execute(
        update(jobs)
        .where(condition)
        .values(status=CANCELLED, finished_at_ms=now_ms(), lease_token=jobs.c.lease_token + 1)
    )
    notify_after_commit(connection, CANCELLATIONS)


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """Return how many jobs are ready and running."""
    found = await connection.execute(
        select(jobs.c.status, func.count()).where(jobs.c.status.in_(LIVE)).group_by(jobs.c.status)
    )
    return {READY: 0, RUNNING: 0} | dict(tuple(row) for row in found)


async def release_all(connection: AsyncConnection) -> int:
    """Put all running jobs back, and return how many: every worker of this database is gone.

    The attempts do not count: it was the process that was stopped, not the work that failed. The
    tokens move on, so a worker that is still there after all is fenced off.
    """
    released = await connection.execute(
        update(jobs)
        .where(jobs.c.status == RUNNING)
        .values(**_FREE, **_UNCOUNTED, lease_token=jobs.c.lease_token + 1)
    )
    if released.rowcount:
        notify_after_commit(connection, JOBS)
    return released.rowcount
