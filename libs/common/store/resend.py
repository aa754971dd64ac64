"""Sent events that got lost on the way: they are found by their ids, and sent again with the same.

Whoever can ask the consumers (:func:`libs.common.store.inbox.unhandled_ids`) reads the events that
are not settled yet, and has those that are lacking sent once more.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.store.inbox import MOST_ASKED
from libs.common.store.tables import events, now_ms, sweeps


class SentEvent(NamedTuple):
    """An event that left this service, without its content. ``id`` is its place in the store."""

    id: int
    event_id: str
    topic: str


async def last_place(connection: AsyncConnection) -> int:
    """Return the place of the newest event; 0 if there is none."""
    return int(await connection.scalar(select(func.max(events.c.id))) or 0)


async def events_between(connection: AsyncConnection, after: int, until: int) -> list[SentEvent]:
    """Return what is behind one place and not behind another, at most ``MOST_ASKED`` of it."""
    among = (events.c.id > after, events.c.id <= until)
    return await _found(connection, *among)


async def events_at(connection: AsyncConnection, places: Collection[int]) -> list[SentEvent]:
    """Return what is at some places, at most ``MOST_ASKED``."""
    return await _found(connection, events.c.id.in_(places))


class Sweep(NamedTuple):
    """What is kept of looking for lost events; see :data:`.tables.sweeps`."""

    born_ms: int
    settled: int
    consumers: str


async def kept_sweep(connection: AsyncConnection) -> Sweep:
    """Return what is kept, which begins here if nothing was."""
    columns = (sweeps.c.born_ms, sweeps.c.settled, sweeps.c.consumers)
    row = (await connection.execute(select(*columns))).first()
    if row is None:
        new = insert(sweeps).values(born_ms=now_ms(), settled=0, consumers="")
        row = (await connection.execute(new.returning(*columns))).one()
    return Sweep(*row)


async def keep_settled(connection: AsyncConnection, settled: int, consumers: str) -> None:
    """Keep up to where everything was handled, by which consumers."""
    await connection.execute(update(sweeps).values(settled=settled, consumers=consumers))


async def _found(connection: AsyncConnection, *among: ColumnElement[bool]) -> list[SentEvent]:
    columns = select(events.c.id, events.c.event_id, events.c.topic)
    wanted = columns.where(*among).order_by(events.c.id).limit(MOST_ASKED)
    return [SentEvent(*row) for row in await connection.execute(wanted)]
