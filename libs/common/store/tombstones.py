"""What was deleted never comes back: topics know no order between them.

A deletion may overtake what it is about, and history may be sent again long after it.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.upsert import Write, add_once
from libs.common.store.effects import Effect, Step
from libs.common.store.tables import tombstones


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
    found = select(tombstones.c.subject).where(tombstones.c.subject.in_(subjects)).limit(1)
    return await connection.scalar(found) is not None
