"""What a consumer has handled: the second delivery of an event changes nothing."""

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from sqlalchemy import Select, String, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import rfc3339
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


async def first_deliveries(
    connection: AsyncConnection, consumer: str, events: Sequence[Event], *, keep: bool = False
) -> set[str]:
    """Record events as handled, and return the ids of those that were not before.

    With ``keep`` the events themselves are kept too, for read models that are rebuilt from them.
    """
    rows = [
        {
            "consumer": consumer,
            "event_id": str(event.event_id),
            "topic": event.topic if keep else None,
            "occurred_at": rfc3339(event.occurred_at) if keep else None,
            "body": event.encode() if keep else None,
        }
        for event in events
    ]
    return set((await connection.execute(_RECORD, rows)).scalars())


async def first_delivery(connection: AsyncConnection, consumer: str, event_id: UUID) -> bool:
    """Record an event that cannot be read as handled; return whether it was not before."""
    nothing = dict.fromkeys(("topic", "occurred_at", "body"))
    row = {"consumer": consumer, "event_id": str(event_id), **nothing}
    return await connection.scalar(_RECORD, row) is not None


@cache
def _handled() -> tuple[Select[int], Select[str]]:
    """Return the questions how many, and which, of the asked ids a consumer has handled.

    Built once, with a fixed number of parameters: to expand a list took as long as to look it up.
    """
    among = (
        inbox.c.consumer == bindparam("consumer"),
        inbox.c.event_id.in_([bindparam(name, type_=String()) for name in _ASKED]),
    )
    return select(func.count()).where(*among), select(inbox.c.event_id).where(*among)


async def unhandled_ids(
    connection: AsyncConnection, consumer: str, event_ids: Sequence[str]
) -> set[str]:
    """Return which of some different events, at most ``MOST_ASKED``, ``consumer`` lacks."""
    asked = dict.fromkeys(_ASKED, "") | dict(zip(_ASKED, event_ids, strict=False))
    asked["consumer"] = consumer
    how_many, which = _handled()
    if await connection.scalar(how_many, asked) == len(event_ids):
        return set()
    return set(event_ids) - set((await connection.execute(which, asked)).scalars())
