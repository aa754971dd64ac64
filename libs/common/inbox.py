"""What a consumer has handled: the second delivery of an event changes nothing."""

from collections.abc import Sequence

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.cloudevents import rfc3339
from libs.common.events import Event
from libs.common.tables import inbox, now_ms

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


async def first_deliveries(
    connection: AsyncConnection, consumer: str, events: Sequence[Event], *, keep: bool = False
) -> set[str]:
    """Record events as handled, and return the ids of those that were not before.

    With ``keep`` the events themselves are kept too, for read models that are rebuilt from them.
    """
    rows = [
        {
            "consumer": consumer,
            "event_id": str(each.event_id),
            "topic": each.topic if keep else None,
            "occurred_at": rfc3339(each.occurred_at) if keep else None,
            "body": each.encode() if keep else None,
        }
        for each in events
    ]
    return set((await connection.execute(_RECORD, rows)).scalars())


async def first_delivery(
    connection: AsyncConnection, consumer: str, event: Event, *, keep: bool = False
) -> bool:
    """Record one event as handled; False when it was before."""
    return bool(await first_deliveries(connection, consumer, [event], keep=keep))
