"""Sent events that got lost on the way: they are found by their ids, and sent again with the same.

Whoever can ask the consumers (:func:`libs.common.store.inbox.unhandled_ids`) reads the sent events
in batches, and has those that are lacking sent once more.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.wakeups import OUTBOX, notify_after_commit
from libs.common.store.inbox import MOST_ASKED
from libs.common.store.tables import events


class SentEvent(NamedTuple):
    """An event that left this service, without its content. ``id`` is its place in the store."""

    id: int
    event_id: str
    topic: str


async def sent_events(
    connection: AsyncConnection,
    topics: Sequence[str],
    *,
    after: int = 0,
    sent_before_ms: int | None = None,
) -> AsyncIterator[list[SentEvent]]:
    """Yield what was sent to ``topics``, oldest first, in batches of bounded size.

    Args:
        connection: Of the service that sent them.
        topics: Those that anybody consumes.
        after: Only what is behind this place in the store.
        sent_before_ms: Only what was sent before this moment.
    """
    found = select(events.c.id, events.c.event_id, events.c.topic).where(
        events.c.sent_at_ms.is_not(None), events.c.topic.in_(topics)
    )
    if sent_before_ms is not None:
        found = found.where(events.c.sent_at_ms < sent_before_ms)
    while True:
        next_ones = found.where(events.c.id > after).order_by(events.c.id).limit(MOST_ASKED)
        batch = [SentEvent(*row) for row in (await connection.execute(next_ones)).all()]
        if batch:
            yield batch
        if len(batch) < MOST_ASKED:
            return
        after = batch[-1].id


async def first_open(
    connection: AsyncConnection, topics: Sequence[str], *, after: int, sent_before_ms: int
) -> int | None:
    """Return the place of the first event to ``topics`` that was not sent before a moment."""
    sent = events.c.sent_at_ms.is_not(None) & (events.c.sent_at_ms < sent_before_ms)
    first = select(func.min(events.c.id)).where(
        events.c.id > after, events.c.topic.in_(topics), ~sent
    )
    place: int | None = await connection.scalar(first)
    return place


async def unsend(connection: AsyncConnection, ids: Sequence[int]) -> int:
    """Have sent events sent again, by their places in the store; return how many that are."""
    count = 0
    for first in range(0, len(ids), MOST_ASKED):
        some = ids[first : first + MOST_ASKED]
        changed = await connection.execute(
            update(events)
            .where(events.c.id.in_(some), events.c.sent_at_ms.is_not(None))
            .values(sent_at_ms=None)
        )
        count += changed.rowcount
    if count:
        notify_after_commit(connection, OUTBOX)
    return count
