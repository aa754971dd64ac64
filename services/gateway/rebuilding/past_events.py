"""The history that read models are folded from: the gateway's own events, and its inbox.

It is read in chunks behind a position. Transactions commit out of the order of ids and clocks, so
a position is only taken for good up to a :class:`Bound`: before it, everything is committed.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among
from libs.common.database.engine import Database
from libs.common.store.bodies.uuid_text import NO_UUID
from libs.common.store.tables import events, inbox, now_ms
from services.gateway.rebuilding.sessions import Waiting, writing_before

CHUNK = 5000
OVERLAP_IDS = 1000
OVERLAP_MS = 60_000
"""What is read once more behind a bound: an id or a moment is taken shortly before PostgreSQL
numbers the transaction, and a server's clock may be set back. To fold twice changes nothing."""

LOOK_EVERY_S = 0.02

Stored = tuple[str, bytes, str, str]
"""Topic, body, id and moment of an event, as it is stored; see :func:`.event_store.restore`."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The topics to be read from the gateway's own events, and from its inbox."""

    own: Collection[str]
    received: Collection[str]


@dataclass(frozen=True, kw_only=True)
class Position:
    """What was read: own events up to an id, and the inbox up to a moment and an id there."""

    own: int = 0
    received_ms: int = 0
    received_id: str = NO_UUID


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Own events up to an id, and of the inbox what was received before a moment."""

    own: int
    received_ms: int

    def start_of_next(self) -> Position:
        """Return where to begin to read what came since."""
        return Position(
            own=max(0, self.own - OVERLAP_IDS), received_ms=max(0, self.received_ms - OVERLAP_MS)
        )


async def committed_bound(database: Database, waiting: Waiting) -> Bound:
    """Return a bound before which nothing will appear any more that is not there now.

    All transactions that wrote anything by then have ended: on PostgreSQL it waits for them, while
    others go on; on SQLite nobody else writes meanwhile.

    Raises:
        Unavailable: The database cannot be reached, or it was ``waiting`` for too long.
    """
    async with database.transaction() as connection:
        own = int(await connection.scalar(select(func.max(events.c.id))) or 0)
        received_ms = int(await connection.scalar(select(now_ms())) or 0)
        if database.sqlite:
            return Bound(own=own, received_ms=received_ms)
        # A number of its own: what runs now has lower ones. The end of a snapshot (xmax) is that of
        # the last transaction that ended, and leaves out those that run with higher ones.
        number = await connection.scalar(text("SELECT pg_current_xact_id()::text::bigint"))
    async with database.querying() as connection:
        while writing := await writing_before(connection, int(number or 0)):
            waiting.check(writing)
            await asyncio.sleep(LOOK_EVERY_S)
    return Bound(own=own, received_ms=received_ms)


async def next_chunk(
    connection: AsyncConnection, sources: Sources, after: Position, until: Bound | None
) -> tuple[list[Stored], Position]:
    """Return what follows a position, up to a bound or to the end, and the position behind it."""
    found, behind = await _next_own(connection, sources, after, until)
    if not found:
        found, behind = await _next_received(connection, sources, after, until)
    return found, behind


async def _next_own(
    connection: AsyncConnection, sources: Sources, after: Position, until: Bound | None
) -> tuple[list[Stored], Position]:
    wanted = (
        select(events.c.topic, events.c.body, events.c.event_id, events.c.occurred_at, events.c.id)
        .where(among(events.c.topic, sources.own), events.c.id > after.own)
        .order_by(events.c.id)
        .limit(CHUNK)
    )
    if until is not None:
        wanted = wanted.where(events.c.id <= until.own)
    rows = (await connection.execute(wanted)).all()
    if not rows:
        return [], after
    return [(row[0], row[1], row[2], row[3]) for row in rows], replace(after, own=rows[-1].id)


async def _next_received(
    connection: AsyncConnection, sources: Sources, after: Position, until: Bound | None
) -> tuple[list[Stored], Position]:
    place = tuple_(inbox.c.received_at_ms, inbox.c.event_id)
    wanted = (
        select(
            inbox.c.topic,
            inbox.c.body,
            inbox.c.event_id,
            inbox.c.occurred_at,
            inbox.c.received_at_ms,
        )
        .where(inbox.c.body.is_not(None), among(inbox.c.topic, sources.received))
        .where(inbox.c.given_up.is_(None))
        .where(place > (after.received_ms, after.received_id))
        .order_by(inbox.c.received_at_ms, inbox.c.event_id)
        .limit(CHUNK)
    )
    if until is not None:
        wanted = wanted.where(inbox.c.received_at_ms < until.received_ms)
    rows = (await connection.execute(wanted)).all()
    if not rows:
        return [], after
    behind = replace(after, received_ms=rows[-1].received_at_ms, received_id=rows[-1].event_id)
    return [(row[0], row[1], row[2], row[3]) for row in rows], behind
