"""Giving up work that nobody wants any more."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import and_, delete, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.wakeups import CANCELLED, notify_after_commit
from libs.common.store.jobs.queues import Queue
from libs.common.store.tables import READY, jobs

BELOW, ABOVE_ALL_BELOW = "/", "0"
"""What is below a subject is between these, byte by byte: an index serves that."""


@dataclass(frozen=True)
class CancelJobs:
    """Give up all unfinished jobs about ``subject`` or anything below it (``subject/...``).

    Running ones lose their lease.
    """

    subject: str
    kind: str | None = None


async def cancel(connection: AsyncConnection, cancelled: CancelJobs) -> Counter[Queue]:
    """Remove unfinished jobs; return by how many fewer their queues are to count."""
    subject = cancelled.subject
    below = and_(
        jobs.c.subject >= f"{subject}{BELOW}", jobs.c.subject < f"{subject}{ABOVE_ALL_BELOW}"
    )
    condition = or_(jobs.c.subject == subject, below)
    if cancelled.kind is not None:
        condition = and_(condition, jobs.c.kind == cancelled.kind)
    columns = (jobs.c.kind, jobs.c.owner, jobs.c.status)
    removed = await connection.execute(delete(jobs).where(condition).returning(*columns))
    notify_after_commit(connection, CANCELLED)
    fewer: Counter[Queue] = Counter()
    fewer.subtract((kind, owner) for kind, owner, status in removed if status == READY)
    return fewer
