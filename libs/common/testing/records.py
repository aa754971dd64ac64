"""Events as they come from Kafka."""

from typing import Any

from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import headers, rfc3339
from libs.common.processing.dead_letters import Record
from libs.common.store.inbox import Arrival


def record(event: Event, offset: int = 7, **changes: Any) -> Record:
    """Return the record that the relay makes of ``event``; ``changes`` are fields of it."""
    attributes = headers(
        event_id=str(event.event_id),
        topic=event.topic,
        source="/lectern/gateway",
        occurred_at=rfc3339(event.occurred_at),
        key=event.key,
        stream=event.stream,
        version=1,
        traceparent=None,
    )
    fields: dict[str, Any] = {
        "topic": event.topic,
        "partition": 0,
        "timestamp_ms": 1_790_000_000_000,
        "key": event.key.encode(),
        "value": event.encode(),
        "headers": attributes,
    }
    return Record(offset=offset, **(fields | changes))


def arrival(event: Event) -> Arrival:
    """Return what the inbox is told of :func:`record`."""
    return Arrival(str(event.event_id), record(event).place, event)
