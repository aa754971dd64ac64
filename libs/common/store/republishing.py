"""History comes back: sent events are chosen by topic, stream and time, and sent again.

They keep ids, bytes, times and headers, so whoever has handled one drops it by its inbox. They are
marked a batch at a time, and the next one waits until the relay has sent most of those before it:
what is decided meanwhile is sent after a few thousand others at most.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.engine import Database
from libs.common.store.inbox import MOST_ASKED
from libs.common.store.outbox import count_unsent
from libs.common.store.resend import unsend
from libs.common.store.tables import events

MOST_WAITING = 2000
"""Events in the outbox, above which no more are added; with one batch, 3,000."""

LOOK_EVERY_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which sent events: all that is given has to be true of them.

    ``since`` and ``until`` are moments at which events occurred, as :func:`.rfc3339` writes them,
    the first one included. ``sent_before_ms`` tells those that were sent again already from those
    that still have to be, when an interrupted run goes on.
    """

    topic: str | None = None
    stream: str | None = None
    since: str | None = None
    until: str | None = None
    sent_before_ms: int

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what has to be true of a row."""
        found: list[ColumnElement[bool]] = [events.c.sent_at_ms < self.sent_before_ms]
        if self.topic is not None:
            found.append(events.c.topic == self.topic)
        if self.stream is not None:
            found.append(events.c.stream == self.stream)
        if self.since is not None:
            found.append(events.c.occurred_at >= self.since)
        if self.until is not None:
            found.append(events.c.occurred_at < self.until)
        return found


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far it has come: ``marked`` events so far, and how many the outbox holds now."""

    marked: int
    waiting: int


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

    It returns when all of it is sent, and waits as long as no relay runs. To be called again with
    the same ``chosen`` after an interruption.

    Raises:
        Unavailable: The database cannot be reached.
    """
    marked = last = 0
    while True:
        await _until(database, MOST_WAITING, marked, show)
        async with database.transaction() as connection:
            places = await next_places(connection, chosen, last)
            marked += await unsend(connection, places)
        if not places:
            break
        last = places[-1]
    await _until(database, 0, marked, show, up_to=last)
    return marked


async def next_places(connection: AsyncConnection, chosen: Chosen, after: int) -> list[int]:
    """Return the places in the store of the next ones that are chosen, in their order."""
    following = (
        select(events.c.id)
        .where(*chosen.conditions(), events.c.id > after)
        .order_by(events.c.id)
        .limit(MOST_ASKED)
    )
    return list(await connection.scalars(following))


async def _until(
    database: Database,
    most: int,
    marked: int,
    show: Callable[[Step], None],
    up_to: int | None = None,
) -> None:
    """Return when at most ``most`` events wait to be sent, of those ``up_to`` a place if given."""
    while True:
        async with database.querying() as connection:
            waiting = await count_unsent(connection, up_to)
        show(Step(marked=marked, waiting=waiting))
        if waiting <= most:
            return
        await asyncio.sleep(LOOK_EVERY_S)
