"""The append-only event store of one service, which is also its outbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.cloudevents import rfc3339
from libs.common.database import OUTBOX, ring_after_commit
from libs.common.errors import Conflict
from libs.common.events import Event, event_by_topic
from libs.common.tables import events as table

STREAMS_PER_QUERY = 500


async def append(
    connection: AsyncConnection,
    events: Sequence[Event],
    traceparent: str | None = None,
    expected: int | None = None,
) -> None:
    """Append ``events`` to their streams, inside the caller's transaction.

    ``expected`` is the version that the caller decided on; all events must then be of one stream.

    Raises:
        Conflict: Somebody appended to one of the streams first.
    """
    if not events:
        return
    versions = await _versions(connection, {each.stream for each in events})
    if expected is not None and versions.get(events[0].stream, 0) != expected:
        raise Conflict(events[0].stream, expected)
    rows: list[dict[str, Any]] = []
    for each in events:
        version = versions[each.stream] = versions.get(each.stream, 0) + 1
        rows.append(
            {
                "event_id": str(each.event_id),
                "stream": each.stream,
                "version": version,
                "topic": each.topic,
                "key": each.key,
                "body": each.encode(),
                "occurred_at": rfc3339(each.occurred_at),
                "traceparent": traceparent,
            }
        )
    try:
        await connection.execute(table.insert(), rows)
    except IntegrityError as error:
        raise Conflict(events[0].stream, rows[0]["version"] - 1) from error
    ring_after_commit(connection, OUTBOX)


async def _versions(connection: AsyncConnection, streams: set[str]) -> dict[str, int]:
    latest = func.max(table.c.version)
    found = await connection.execute(
        select(table.c.stream, latest).where(table.c.stream.in_(streams)).group_by(table.c.stream)
    )
    return dict(tuple(row) for row in found)


async def load(connection: AsyncConnection, streams: Sequence[str], topic: str) -> list[Event]:
    """Return the events of ``topic`` in any of ``streams``, oldest first."""
    found: list[Event] = []
    for first in range(0, len(streams), STREAMS_PER_QUERY):
        rows = await connection.execute(
            select(table.c.topic, table.c.body, table.c.event_id, table.c.occurred_at)
            .where(table.c.stream.in_(streams[first : first + STREAMS_PER_QUERY]))
            .where(table.c.topic == topic)
            .order_by(table.c.id)
        )
        found += [restore(*row) for row in rows]
    return found


async def version_of(connection: AsyncConnection, stream: str) -> int:
    """Return how many events ``stream`` has."""
    return (await _versions(connection, {stream})).get(stream, 0)


def restore(topic: str, body: bytes, event_id: str, occurred_at: str) -> Event:
    """Return a stored event, lifted to its current version."""
    return event_by_topic()[topic].decode(
        body, event_id=UUID(event_id), occurred_at=datetime.fromisoformat(occurred_at)
    )
