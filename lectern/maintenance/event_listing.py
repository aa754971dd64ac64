"""Events of a store as operators look at them: without their bodies, a bounded number at a time."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select

from libs.common.database.engine import Database
from libs.common.store.tables import events, outbox


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which events to list: all that is given has to be true of them.

    ``key`` is that of the record on Kafka, which for most is the id of a document. ``since`` and
    ``until`` are moments at which events occurred, as :func:`.rfc3339` writes them, the first one
    included. ``waiting`` and ``refused``: only those that are in the outbox, and why. ``after`` is
    the place in the store behind which it begins.
    """

    key: str | None = None
    event_id: UUID | None = None
    topic: str | None = None
    stream: str | None = None
    since: str | None = None
    until: str | None = None
    waiting: bool = False
    refused: bool = False
    after: int = 0

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what has to be true of a row."""
        found: list[ColumnElement[bool]] = [events.c.id > self.after]
        named = {
            events.c.key: self.key,
            events.c.event_id: self.event_id and str(self.event_id),
            events.c.topic: self.topic,
            events.c.stream: self.stream,
        }
        found += [column == value for column, value in named.items() if value is not None]
        if self.since is not None:
            found.append(events.c.occurred_at >= self.since)
        if self.until is not None:
            found.append(events.c.occurred_at < self.until)
        if self.waiting:
            found += [outbox.c.id.is_not(None), outbox.c.refused.is_(None)]
        if self.refused:
            found.append(outbox.c.refused.is_not(None))
        return found


class ListedEvent(NamedTuple):
    """One event. ``in_outbox`` is its place while Kafka does not have it; ``refused`` is why."""

    place: int
    occurred_at: str
    topic: str
    stream: str
    version: int
    event_id: str
    in_outbox: int | None
    refused: str | None

    @property
    def state(self) -> str:
        """What became of it, in words."""
        if self.in_outbox is None:
            return "sent"
        return f"refused: {self.refused}" if self.refused else "waits"


async def list_events(database: Database, sought: Sought, limit: int) -> list[ListedEvent]:
    """Return the events that are sought, at most ``limit``, in the order of the store.

    Raises:
        Unavailable: The database cannot be reached.
    """
    listing = (
        select(
            events.c.id,
            events.c.occurred_at,
            events.c.topic,
            events.c.stream,
            events.c.version,
            events.c.event_id,
            outbox.c.id.label("in_outbox"),
            outbox.c.refused,
        )
        .outerjoin_from(events, outbox, outbox.c.id == events.c.id)
        .where(*sought.conditions())
        .order_by(events.c.id)
        .limit(limit)
    )
    return [ListedEvent._make(row) for row in await database.fetch(listing)]
