"""One record on its way through the consumer loop: what it says, and what was done about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import Literal, NamedTuple, Self, TypeAlias
from uuid import UUID

from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import Envelope, decode, read_envelope, text_headers
from libs.common.contracts.identifiers import STREAM_PATTERN
from libs.common.errors import Malformed, UnknownVersion
from libs.common.observability.telemetry import current_traceparent, span_from
from libs.common.processing.dead_letters import Record
from libs.common.processing.routes import Route
from libs.common.store.effects import Effect
from libs.common.store.inbox import Arrival

Outcome: TypeAlias = Literal[
    "handled", "duplicate", "ignored", "malformed", "given_up", "bug", "paused"
]
"""``paused``: nothing became of it; it waits where it is, with all behind it in its partition."""


class Taken(NamedTuple):
    """What became of a record, and how long that took.

    ``lag_s`` is the time from the event to its handling, None where nothing was handled.
    """

    topic: str
    outcome: Outcome
    seconds: float
    lag_s: float | None


@dataclass(frozen=True, kw_only=True)
class EventDelivery:
    """One record, decoded: an event and the route that it takes."""

    record: Record
    envelope: Envelope
    route: Route
    event: Event

    @property
    def event_id(self) -> str:
        """The same however often the event is delivered."""
        return str(self.event.event_id)

    @property
    def arrival(self) -> Arrival:
        """What the inbox is told of it."""
        return Arrival(self.event_id, self.record.place, self.event)

    async def decide(self) -> tuple[Sequence[Effect], str | None]:
        """Run the handler; return its effects and the trace that they belong to."""
        event, name = self.event, f"consume {self.event.topic}"
        with span_from(self.envelope.traceparent, name, event_id=self.event_id):
            return await self.route.handler(event), current_traceparent()

    def lag_s(self) -> float:
        """Return the time since the event happened."""
        return max(0.0, time() - self.envelope.time.timestamp())


def read_delivery(record: Record, routes: Mapping[str, Route]) -> EventDelivery | None:
    """Decode a record; None when no route, by type of event, is interested in it.

    Raises:
        Malformed: It is not an event.
        UnknownVersion: It comes from a newer release.
    """
    envelope = read_envelope(text_headers(record.headers))
    route = routes.get(envelope.type)
    try:
        event = decode(envelope, record.value or b"")
    except UnknownVersion:
        if route is None:
            return None
        raise
    if route is None:
        return None
    return EventDelivery(record=record, envelope=envelope, route=route, event=event)


@dataclass(frozen=True)
class Unreadable:
    """What the headers of a record say of an event whose value cannot be read.

    ``document_id`` is the subject where that is a UUID; it names the wrong thing for the few events
    that are about no document, of which nobody waits for any.
    """

    document_id: UUID | None
    stream: str | None

    @classmethod
    def of(cls, envelope: Envelope) -> Self:
        """Return what an envelope says."""
        try:
            document_id = UUID(envelope.subject or "")
        except ValueError:
            document_id = None
        stream = envelope.stream or ""
        return cls(document_id, stream if _STREAM.fullmatch(stream) else None)


_STREAM = re.compile(STREAM_PATTERN)


def envelope_of(record: Record) -> Envelope | None:
    """Return the headers of a record, None if they are not those of an event."""
    try:
        return read_envelope(text_headers(record.headers))
    except Malformed:
        return None
