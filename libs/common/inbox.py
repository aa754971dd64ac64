"""What a consumer has handled: the second delivery of an event changes nothing."""

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.cloudevents import rfc3339
from libs.common.events import Event
from libs.common.tables import inbox, now_ms
from libs.common.upsert import insert_or_ignore


async def first_delivery(
    connection: AsyncConnection, consumer: str, event: Event, *, keep: bool = False
) -> bool:
    """Record the event as handled; False when it was before.

    With ``keep`` the event itself is kept too, for read models that are rebuilt from it.
    """
    row = {"consumer": consumer, "event_id": str(event.event_id), "received_at_ms": now_ms()}
    if keep:
        row |= {
            "topic": event.topic,
            "occurred_at": rfc3339(event.occurred_at),
            "body": event.encode(),
        }
    result = await connection.execute(insert_or_ignore(inbox, **row))
    return bool(result.rowcount == 1)
