"""What a consumer has handled: the second delivery of an event changes nothing."""

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

from libs.common.cloudevents import rfc3339
from libs.common.events import Event
from libs.common.tables import inbox, now_ms


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
    result = await connection.execute(_insert_or_ignore(connection).values(row))
    return bool(result.rowcount == 1)


def _insert_or_ignore(connection: AsyncConnection) -> Insert:
    if connection.dialect.name == "postgresql":
        return postgresql_insert(inbox).on_conflict_do_nothing()
    return sqlite_insert(inbox).on_conflict_do_nothing()
