"""Taking back jobs that are not due yet: a deadline that was kept in time."""

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among_given
from libs.common.database.sqlite.short_statements import FEW_ROWS
from libs.common.store.tables import READY, WAITING, jobs, now_ms

_WITHDRAW = (
    delete(jobs)
    .where(
        jobs.c.kind == bindparam("of_kind"),
        among_given(jobs.c.subject, "about"),
        jobs.c.status == WAITING,
        jobs.c.attempts == 0,
        jobs.c.run_at_ms > now_ms(),
    )
    .returning(jobs.c.subject)
    .execution_options(**FEW_ROWS)
)


async def withdraw(connection: AsyncConnection, kind: str, *subjects: str) -> bool:
    """Remove jobs that are not due yet, so that none is done; False if any may have begun.

    ``subjects`` are few.
    """
    asked = {"of_kind": kind, "about": list(subjects)}
    withdrawn = await connection.scalars(_WITHDRAW, asked)
    return set(withdrawn) == set(subjects)


async def is_to_begin(connection: AsyncConnection, kind: str, subject: str) -> bool:
    """Return whether a job about ``subject`` will be done that has not begun yet."""
    found = select(jobs.c.id).where(
        jobs.c.kind == kind, jobs.c.subject == subject, jobs.c.status.in_((WAITING, READY))
    )
    return (await connection.execute(found.limit(1))).first() is not None


async def is_unfinished(connection: AsyncConnection, kind: str, subject: str) -> bool:
    """Return whether there is such a job, begun or not; whoever is ending it is not waited for."""
    found = select(jobs.c.id).where(jobs.c.kind == kind, jobs.c.subject == subject)
    return (await connection.execute(found.limit(1))).first() is not None


async def is_recorded(connection: AsyncConnection, kind: str, subject: str) -> bool:
    """Return whether there is such a job about ``subject``, neither done nor withdrawn.

    A transaction that withdraws it is waited for.
    """
    mine = (jobs.c.kind == kind, jobs.c.subject == subject)
    found = select(jobs.c.id).where(*mine).with_for_update()
    return (await connection.execute(found)).first() is not None
