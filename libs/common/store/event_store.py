"""The append-only event store of one service; what is appended waits in the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Insert, Integer, bindparam, case, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import Event
from libs.common.contracts.catalog import event_by_topic
from libs.common.contracts.cloudevents import rfc3339
from libs.common.errors import Conflict, Permanent
from libs.common.store import outbox
from libs.common.store.rows import StoredEvent, select_stored
from libs.common.store.tables import events as table

STREAMS_PER_QUERY = 500
MAX_EVENT_BYTES = 900_000
"""Of the 1 MiB that producers and brokers take by default; headers and framing are the rest."""


@dataclass(frozen=True)
class TracedEvent:
    """An event, the W3C traceparent of what it comes of, and the version that it must become."""

    event: Event
    traceparent: str | None
    version: int | None = None


def at_versions(
    events: Sequence[Event], traceparent: str | None, expected: int
) -> list[TracedEvent]:
    """Return events that were decided on version ``expected`` of their stream, in their order.

    Raises:
        ValueError: They are not of one stream.
    """
    if len({event.stream for event in events}) > 1:
        raise ValueError("events that were decided on one version are of one stream")
    return [
        TracedEvent(event, traceparent, version)
        for version, event in enumerate(events, expected + 1)
    ]


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
        Permanent: An event is larger than a broker takes.
    """
    if expected is None:
        await append_traced(connection, [TracedEvent(event, traceparent) for event in events])
    else:
        await append_traced(connection, at_versions(events, traceparent, expected))


async def append_traced(connection: AsyncConnection, events: Sequence[TracedEvent]) -> None:
    """Append ``events`` to their streams, in one call, inside the caller's transaction.

    Raises:
        Conflict: Somebody appended to one of the streams first.
        Permanent: An event is larger than a broker takes.
    """
    if not events:
        return
    try:
        await connection.execute(_APPEND, [_row(traced) for traced in events])
    except IntegrityError as error:
        raise Conflict(events[0].event.stream) from error
    await outbox.add(connection, [str(traced.event.event_id) for traced in events])


def _row(traced: TracedEvent) -> dict[str, Any]:
    event = traced.event
    body = event.encode()
    if len(body) > MAX_EVENT_BYTES:
        # Refused here, where its maker hears of it: the relay could never get past it.
        raise Permanent(f"{event.topic} has {len(body)} bytes; at most {MAX_EVENT_BYTES} are sent")
    return {
        "event_id": str(event.event_id),
        "stream": event.stream,
        "topic": event.topic,
        "key": event.key,
        "body": body,
        "occurred_at": rfc3339(event.occurred_at),
        "traceparent": traced.traceparent,
        "expected": traced.version,
    }


def _append_statement() -> Insert:
    """Each row finds its version by itself: rows of one call are inserted one after the other.

    A version that is given and is not the next one becomes NULL, which the table refuses. It is
    decided here and not by a query before, between which and this another transaction may commit.
    """
    earlier = table.alias("earlier")
    last = select(func.max(earlier.c.version)).where(earlier.c.stream == bindparam("stream"))
    following = func.coalesce(last.scalar_subquery(), 0) + 1
    expected = bindparam("expected", type_=Integer())
    names = ("event_id", "stream", "topic", "key", "body", "occurred_at", "traceparent")
    return table.insert().values(
        version=case((expected.is_(None), following), (expected == following, expected)),
        **{name: bindparam(name) for name in names},
    )


_APPEND = _append_statement()
"""Built once: every event goes through it."""


async def load(connection: AsyncConnection, streams: Sequence[str], topic: str) -> list[Event]:
    """Return the events of ``topic`` in any of ``streams``, oldest first."""
    found: list[Event] = []
    for first in range(0, len(streams), STREAMS_PER_QUERY):
        rows = await connection.execute(
            select_stored()
            .where(table.c.stream.in_(streams[first : first + STREAMS_PER_QUERY]))
            .where(table.c.topic == topic)
            .order_by(table.c.id)
        )
        stored = (StoredEvent._make(row) for row in rows)
        found += [restore(one.topic, one.body, one.event_id, one.occurred_at) for one in stored]
    return found


async def version_of(connection: AsyncConnection, stream: str) -> int:
    """Return how many events ``stream`` has."""
    latest = select(func.max(table.c.version)).where(table.c.stream == stream)
    return int(await connection.scalar(latest) or 0)


def restore(topic: str, body: bytes, event_id: str, occurred_at: str) -> Event:
    """Return a stored event, lifted to its current version."""
    return event_by_topic()[topic].decode(
        body, event_id=UUID(event_id), occurred_at=datetime.fromisoformat(occurred_at)
    )
