"""What a consumer has handled: the second delivery of an event changes nothing.

An event that was given up is in the inbox too, with the record that it came in: the same record,
delivered again, is known. Another one with the same id was sent again, to be handled after all.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.arrays import among
from libs.common.store.bodies.uuid_text import NO_UUID
from libs.common.store.handled_ids import handled_before
from libs.common.store.tables import inbox, now_ms

_RECORD = (
    insert(inbox)
    .values(
        received_at_ms=now_ms(),
        **{
            name: bindparam(name)
            for name in ("consumer", "event_id", "topic", "occurred_at", "body")
        },
    )
    .on_conflict_do_nothing()
    .returning(inbox.c.event_id)
)
"""Built once: every event goes through it."""

MOST_ASKED = 1000
"""Ids in one question: few enough for every database's limit of parameters."""

_ASKED = [f"id_{number}" for number in range(MOST_ASKED)]


class Arrival(NamedTuple):
    """An event as it came, in the record ``place``; ``event`` is None if it cannot be read."""

    event_id: str
    place: str
    event: Event | None


InboxState: TypeAlias = Literal["new", "handled", "given_up"]
"""``given_up``: the event was, in this very record; when it comes in another one, it is ``new``."""


async def state_of(connection: AsyncConnection, consumer: str, arrival: Arrival) -> InboxState:
    """Return what became of an event before, and change nothing."""
    found = select(inbox.c.given_up).where(*_of(consumer, arrival))
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        before = await handled_before(connection, consumer, [arrival.event_id])
        return "handled" if before else "new"
    if row.given_up is None:
        return "handled"
    return "given_up" if row.given_up == arrival.place else "new"


async def first_deliveries(
    connection: AsyncConnection, consumer: str, arrivals: Sequence[Arrival], *, keep: bool = False
) -> set[str]:
    """Record events as handled, and return the ids of those that were not before.

    One that was given up is handled when it comes in another record. With ``keep`` the events
    themselves are kept too, for read models that are rebuilt from them.
    """
    rows = {arrival.event_id: _row(consumer, arrival, keep) for arrival in arrivals}
    new = set((await connection.execute(_RECORD, list(rows.values()))).scalars())
    new -= await _remove_known(connection, consumer, new)
    known = [arrival for arrival in arrivals if arrival.event_id not in new]
    for arrival in await _sent_again(connection, consumer, known):
        mine = and_(*_of(consumer, arrival), inbox.c.given_up != arrival.place)
        handled = update(inbox).where(mine).values(rows[arrival.event_id])
        done = await connection.execute(handled.values(given_up=None, received_at_ms=now_ms()))
        if done.rowcount:
            new.add(arrival.event_id)
    return new


async def give_up(
    connection: AsyncConnection, consumer: str, arrival: Arrival, *, keep: bool = False
) -> bool:
    """Record an event as given up, until it is sent again; return whether it was new."""
    if not await first_deliveries(connection, consumer, [arrival], keep=keep):
        return False
    given_up = update(inbox).where(*_of(consumer, arrival)).values(given_up=arrival.place)
    await connection.execute(given_up)
    return True


async def _remove_known(
    connection: AsyncConnection, consumer: str, recorded: Collection[str]
) -> set[str]:
    """Remove what was recorded just now and had been handled long ago; return its ids.

    Asked after recording, which waits for whoever moves ids from the inbox into packs.
    """
    before = await handled_before(connection, consumer, recorded)
    if before:
        mine = (inbox.c.consumer == consumer, among(inbox.c.event_id, before))
        await connection.execute(delete(inbox).where(*mine))
    return before


async def _sent_again(
    connection: AsyncConnection, consumer: str, known: Sequence[Arrival]
) -> Sequence[Arrival]:
    """Return those that were given up, and came in another record since."""
    if not known:
        return []
    ids = {arrival.event_id for arrival in known}
    given_up = select(inbox.c.event_id, inbox.c.given_up).where(
        inbox.c.consumer == consumer, inbox.c.event_id.in_(ids), inbox.c.given_up.is_not(None)
    )
    places = {row.event_id: row.given_up for row in await connection.execute(given_up)}
    return [one for one in known if places.get(one.event_id, one.place) != one.place]


def _of(consumer: str, arrival: Arrival) -> tuple[ColumnElement[bool], ...]:
    return inbox.c.consumer == consumer, inbox.c.event_id == arrival.event_id


def _row(consumer: str, arrival: Arrival, keep: bool) -> dict[str, Any]:
    event = arrival.event if keep else None
    return {
        "consumer": consumer,
        "event_id": arrival.event_id,
        "topic": event and event.topic,
        "occurred_at": event and rfc3339(event.occurred_at),
        "body": event and event.encode(),
    }


@cache
def _handled() -> tuple[Select[int], Select[str]]:
    """Return the questions how many, and which, of the asked ids a consumer has handled.

    Built once, with a fixed number of parameters: to expand a list took as long as to look it up.
    """
    among = (
        inbox.c.consumer == bindparam("consumer"),
        inbox.c.event_id.in_([bindparam(name, type_=inbox.c.event_id.type) for name in _ASKED]),
    )
    return select(func.count()).where(*among), select(inbox.c.event_id).where(*among)


async def unhandled_ids(
    connection: AsyncConnection, consumer: str, event_ids: Sequence[str]
) -> set[str]:
    """Return which of some different events, at most ``MOST_ASKED``, ``consumer`` lacks."""
    asked = dict.fromkeys(_ASKED, NO_UUID) | dict(zip(_ASKED, event_ids, strict=False))
    asked["consumer"] = consumer
    how_many, which = _handled()
    if await connection.scalar(how_many, asked) == len(event_ids):
        return set()
    lacking = set(event_ids) - set((await connection.execute(which, asked)).scalars())
    return lacking - await handled_before(connection, consumer, lacking)
