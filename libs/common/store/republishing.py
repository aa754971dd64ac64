"""History comes back: sent events are chosen by topic, stream and time, and sent again.

They keep ids, bytes, times and headers, so whoever has handled one drops it by its inbox. They are
put in the outbox a batch at a time, and the next one waits until the relay has sent most of those
before it: what is decided meanwhile is sent after a few thousand others at most.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.engine import Database
from libs.common.store.inbox import MOST_ASKED
from libs.common.store.outbox import count_unsent, send_again
from libs.common.store.resend import last_place
from libs.common.store.tables import events, outbox

MOST_WAITING = 2000
"""Events in the outbox, above which no more are added; with one batch, 3,000."""

LOOK_EVERY_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which events that were sent, or refused: all that is given has to be true of them.

    ``since`` and ``until`` are moments at which events occurred, as :func:`.rfc3339` writes them,
    the first one included. ``refused``: only those that the broker refused. ``after`` is the place
    in the store behind which it begins, when an interrupted run goes on.
    """

    topics: Collection[str] = ()
    stream: str | None = None
    since: str | None = None
    until: str | None = None
    refused: bool = False
    after: int = 0

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what has to be true of a row."""
        in_outbox = select(outbox.c.id)
        found: list[ColumnElement[bool]] = [
            events.c.id > self.after,
            events.c.id.in_(in_outbox.where(outbox.c.refused.is_not(None)))
            if self.refused
            else events.c.id.not_in(in_outbox.where(outbox.c.refused.is_(None))),
        ]
        if self.topics:
            found.append(events.c.topic.in_(self.topics))
        if self.stream is not None:
            found.append(events.c.stream == self.stream)
        if self.since is not None:
            found.append(events.c.occurred_at >= self.since)
        if self.until is not None:
            found.append(events.c.occurred_at < self.until)
        return found


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far it has come.

    ``marked`` events so far, up to a ``place`` in the store; the outbox holds ``waiting`` now.
    """

    marked: int
    waiting: int
    place: int


async def count_by_topic(database: Database, chosen: Chosen) -> dict[str, int]:
    """Return how many events are chosen, by topic."""
    counting = (
        select(events.c.topic, func.count())
        .where(*chosen.conditions())
        .group_by(events.c.topic)
        .order_by(events.c.topic)
    )
    return dict(await database.fetch(counting))


async def republish(database: Database, chosen: Chosen, show: Callable[[Step], None]) -> int:
    """Have the relay send again what is chosen; return how many events that were.

    What is appended meanwhile is not chosen. It returns when all of it is sent or refused, and
    waits as long as no relay runs. After an interruption it goes on behind the place that was shown
    last.

    Raises:
        Unavailable: The database cannot be reached.
    """
    async with database.querying() as connection:
        newest = await last_place(connection)
    marked, last = 0, chosen.after
    while True:
        await _until(database, MOST_WAITING, marked, last, show)
        async with database.transaction() as connection:
            places = await next_places(connection, chosen, last, newest)
            marked += await send_again(connection, places)
        if not places:
            break
        last = places[-1]
    await _until(database, 0, marked, last, show, up_to=last)
    return marked


async def next_places(
    connection: AsyncConnection, chosen: Chosen, after: int, newest: int
) -> list[int]:
    """Return the places of the next ones that are chosen, none behind ``newest``, in order."""
    following = (
        select(events.c.id)
        .where(*chosen.conditions(), events.c.id > after, events.c.id <= newest)
        .order_by(events.c.id)
        .limit(MOST_ASKED)
    )
    return list(await connection.scalars(following))


async def _until(
    database: Database,
    most: int,
    marked: int,
    place: int,
    show: Callable[[Step], None],
    up_to: int | None = None,
) -> None:
    """Return when at most ``most`` events wait to be sent, of those ``up_to`` a place if given."""
    while True:
        async with database.querying() as connection:
            waiting = await count_unsent(connection, up_to)
        show(Step(marked=marked, waiting=waiting, place=place))
        if waiting <= most:
            return
        await asyncio.sleep(LOOK_EVERY_S)
