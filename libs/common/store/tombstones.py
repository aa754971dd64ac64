"""What was deleted never comes back: topics know no order between them.

A deletion may overtake what it is about, and history may be sent again long after it. Handlers of
both take turns, for the consumer locks the keys of events. Work that a job asks for takes no turn,
so whoever claims a job or records what it did looks once more.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among_given
from libs.common.database.upsert import Write, add_once
from libs.common.store.effects import Effect, Step
from libs.common.store.jobs.held_jobs import Claim, end
from libs.common.store.tables import tombstones

_DELETED = select(tombstones.c.subject).where(among_given(tombstones.c.subject, "subjects"))


def tombstone(subject: str) -> Write:
    """Return the row that says that ``subject`` was deleted."""
    return add_once(tombstones, subject=subject)


def unless_deleted(effect: Effect, *subjects: str) -> Step:
    """Have ``effect`` only if no deletion of any of ``subjects`` has arrived."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        return [] if await are_deleted(connection, *subjects) else [effect]

    return step


async def are_deleted(connection: AsyncConnection, *subjects: str) -> bool:
    """Return whether a deletion of any of ``subjects`` has arrived."""
    return bool(await _deleted_among(connection, subjects))


async def is_wanted(connection: AsyncConnection, held: Claim) -> bool:
    """Return whether nothing that a job is about was deleted; else nothing of it may be kept."""
    return not await are_deleted(connection, *_above(held.subject))


async def wanted_claims(connection: AsyncConnection, claimed: Sequence[Claim]) -> list[Claim]:
    """Remove the jobs about what was deleted, and return the others.

    The caller holds them all, and so waits for nobody.
    """
    if not claimed:
        return []
    subjects = {subject for held in claimed for subject in _above(held.subject)}
    deleted = await _deleted_among(connection, subjects)
    wanted = [held for held in claimed if deleted.isdisjoint(_above(held.subject))]
    for held in claimed:
        if held not in wanted:
            await end(connection, held)
    return wanted


def _above(subject: str) -> Iterator[str]:
    """Yield what ``a/b`` is about: ``a`` and ``a/b``."""
    return accumulate(subject.split("/"), "{}/{}".format)


async def _deleted_among(connection: AsyncConnection, subjects: Iterable[str]) -> set[str]:
    return set(await connection.scalars(_DELETED, {"subjects": list(subjects)}))
