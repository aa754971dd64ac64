"""What a worker does with a job that it holds: renew, finish, put back, give up.

Every change of a running job is guarded by its lease token, so a worker that wakes up after its
lease was taken cannot write. A job that is over leaves the table: its events say what came of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from libs.common.database.sqlite.short_statements import FEW_ROWS
from libs.common.store.jobs.due import free_status
from libs.common.store.jobs.queues import count
from libs.common.store.tables import READY, RUNNING, WAITING, jobs, now_ms


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job that this worker holds until its lease ends: a row of the table, as claiming left it.

    The fields are columns. ``crashes`` is how often in a row its lease ended by itself.
    """

    id: int
    kind: str
    subject: str
    owner: str
    payload: bytes
    attempts: int
    crashes: int
    max_attempts: int
    lease_token: int
    traceparent: str | None


_IS_HELD = and_(
    jobs.c.id == bindparam("held_id"),
    jobs.c.lease_token == bindparam("held_token"),
    jobs.c.status == RUNNING,
)


def _change(**values: Any) -> ReturningUpdate[Any]:
    """Return a change of a job that only goes through while its lease is held."""
    changing = update(jobs).where(_IS_HELD).values(values).returning(jobs.c.status)
    return changing.execution_options(**FEW_ROWS)


_LATER = now_ms() + bindparam("ms", type_=BigInteger())
_UNCOUNTED = {"attempts": jobs.c.attempts - 1}
_WAIT = {
    "status": WAITING,
    "lease_until_ms": None,
    "run_at_ms": _LATER,
    "last_error": bindparam("error", type_=Text()),
    "crashes": 0,
}

_RENEW = _change(lease_until_ms=_LATER)
_PROGRESS = _change(lease_until_ms=_LATER, crashes=0)
_OVER = delete(jobs).where(_IS_HELD).returning(jobs.c.id).execution_options(**FEW_ROWS)
_RETRY = _change(**_WAIT)
_POSTPONE = _change(**_WAIT, **_UNCOUNTED)
_GIVE_BACK = _change(status=free_status(jobs.c.crashes), lease_until_ms=None, **_UNCOUNTED)


async def _apply(
    connection: AsyncConnection, change: Any, held: Claim, **values: Any
) -> Sequence[Any]:
    held_by = {"held_id": held.id, "held_token": held.lease_token}
    return (await connection.scalars(change, held_by | values)).all()


async def renew(connection: AsyncConnection, held: Claim, lease_ms: int) -> bool:
    """Extend the lease; False when it is no longer ours."""
    return bool(await _apply(connection, _RENEW, held, ms=lease_ms))


async def progress(connection: AsyncConnection, held: Claim, lease_ms: int) -> bool:
    """Extend the lease of a job that got on, which forgives its crashes; False as for a renewal."""
    return bool(await _apply(connection, _PROGRESS, held, ms=lease_ms))


async def end(connection: AsyncConnection, held: Claim) -> bool:
    """Remove the job, done or given up; False when it is not ours, and nothing may be written."""
    return bool(await _apply(connection, _OVER, held))


async def retry(connection: AsyncConnection, held: Claim, delay_ms: int, error: str) -> bool:
    """Put the job back, to be claimed again after ``delay_ms``, behind what is ready by then."""
    return bool(await _apply(connection, _RETRY, held, ms=delay_ms, error=error))


async def postpone(connection: AsyncConnection, held: Claim, delay_ms: int, error: str) -> bool:
    """Put the job back as with :func:`retry`, and do not count the attempt."""
    return bool(await _apply(connection, _POSTPONE, held, ms=delay_ms, error=error))


async def give_back(connection: AsyncConnection, held: Claim) -> bool:
    """Put the job back untouched: this worker is stopping, and the attempt does not count."""
    freed = await _apply(connection, _GIVE_BACK, held)
    await count(connection, {(held.kind, held.owner): freed.count(READY)})
    return bool(freed)
