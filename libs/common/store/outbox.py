"""What the event store holds and Kafka does not.

A row is unsent until its ``sent_at_ms`` is set, never "greater than the last id": transactions
commit out of the order of their ids.
"""

from collections.abc import Sequence

from sqlalchemy import Integer, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.store.rows import StoredEvent, select_stored
from libs.common.store.tables import events, now_ms

_UNSENT = (
    select_stored()
    .where(events.c.sent_at_ms.is_(None))
    .order_by(events.c.id)
    .limit(bindparam("limit", type_=Integer()))
)
"""Built once: an idle relay runs it every second."""

_MARK_SENT = (
    update(events)
    .where(events.c.id.in_(bindparam("sent", expanding=True)))
    .values(sent_at_ms=now_ms())
)


async def unsent(connection: AsyncConnection, limit: int) -> list[StoredEvent]:
    """Return the oldest unsent events, at most ``limit``."""
    rows = await connection.execute(_UNSENT, {"limit": limit})
    return [StoredEvent._make(row) for row in rows]


async def mark_sent(connection: AsyncConnection, sent: Sequence[StoredEvent]) -> None:
    """Record that the broker has these events."""
    await connection.execute(_MARK_SENT, {"sent": [stored.id for stored in sent]})


async def count_unsent(connection: AsyncConnection, up_to: int | None = None) -> int:
    """Return how many events wait to be sent, of those up to a place in the store if given."""
    waiting = select(func.count()).select_from(events).where(events.c.sent_at_ms.is_(None))
    if up_to is not None:
        waiting = waiting.where(events.c.id <= up_to)
    return int(await connection.scalar(waiting) or 0)
