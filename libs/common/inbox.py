"""What a consumer has handled: the second delivery of an event changes nothing."""

from sqlalchemy import bindparam
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.cloudevents import rfc3339
from libs.common.events import Event
from libs.common.tables import inbox, now_ms
from libs.common.upsert import insert_or_ignore

_RECORD = insert_or_ignore(
    inbox,
    received_at_ms=now_ms(),
    **{name: bindparam(name) for name in ("consumer", "event_id", "topic", "occurred_at", "body")},
)
"""Built once: every event goes through it."""


async def first_delivery(
    connection: AsyncConnection, consumer: str, event: Event, *, keep: bool = False
) -> bool:
    """Record the event as handled; False when it was before.

    With ``keep`` the event itself is kept too, for read models that are rebuilt from it.
    """
    row = {
        "consumer": consumer,
        "event_id": str(event.event_id),
        "topic": event.topic if keep else None,
        "occurred_at": rfc3339(event.occurred_at) if keep else None,
        "body": event.encode() if keep else None,
    }
    result = await connection.execute(_RECORD, row)
    return bool(result.rowcount == 1)
