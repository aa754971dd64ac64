"""What becomes of an event that is not handled: a dead letter, and ``task.failed``, once.

A record that Kafka delivers again is known by its place. An event that was given up comes in
another record when it is sent again, as by ``lectern events republish``, and is handled as new.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from libs.common.database.engine import Database
from libs.common.observability.metrics import Metrics
from libs.common.observability.telemetry import current_traceparent, span_from
from libs.common.processing.dead_letters import DeadLetters, Record
from libs.common.processing.delivery import EventDelivery, Unreadable, envelope_of
from libs.common.processing.failures import Failures, Task
from libs.common.store.effects import Effect, apply
from libs.common.store.inbox import Arrival, InboxState, give_up, state_of


@dataclass(frozen=True, kw_only=True)
class EventFailures:
    """Those of one service."""

    database: Database
    service: str
    failures: Failures
    dead_letters: DeadLetters
    metrics: Metrics
    keep_events: bool

    async def give_up(self, delivery: EventDelivery, error: Exception, attempts: int) -> bool:
        """Record that an event was given up, in place of its effects.

        Returns False, and records nothing, if it was handled, or this record given up, before.
        """
        if await self._state(delivery.arrival) != "new":
            return False
        event = delivery.event
        task = Task(kind=event.topic, name=delivery.event_id, about=event, attempts=attempts)
        effects = await self.failures.given_up(task, error, delivery.route.gave_up)
        await self._dead_letter(delivery.record, error)
        with span_from(delivery.envelope.traceparent, f"give up {event.topic}"):
            return await self._record(delivery.arrival, effects)

    async def give_up_unreadable(
        self, record: Record, error: Exception, wanted: Collection[str]
    ) -> None:
        """Keep a record that cannot be read; its event is given up, if the headers can be read.

        They name the document, and the stream that somebody waits for; ``wanted`` are the types
        that anybody does wait for.
        """
        envelope = envelope_of(record)
        if envelope is None or envelope.type not in wanted:
            await self._dead_letter(record, error)
            return
        arrival = Arrival(str(envelope.event_id), record.place, None)
        state = await self._state(arrival)
        if state == "given_up":
            return
        about = Unreadable.of(envelope)
        task = Task(kind=envelope.type, name=arrival.event_id, about=about, attempts=1)
        effects = await self.failures.given_up(task, error) if state == "new" else []
        await self._dead_letter(record, error)
        with span_from(envelope.traceparent, f"give up {envelope.type}"):
            await self._record(arrival, effects)

    async def _state(self, arrival: Arrival) -> InboxState:
        async with self.database.querying() as connection:
            return await state_of(connection, self.service, arrival)

    async def _record(self, arrival: Arrival, effects: Sequence[Effect]) -> bool:
        """Return whether the event was new when it was recorded."""
        appended = 0
        async with self.database.transaction() as connection:
            is_new = await give_up(connection, self.service, arrival, keep=self.keep_events)
            if is_new:
                appended = await apply(connection, effects, current_traceparent())
        self.metrics.events_appended_total.inc(appended)
        return is_new

    async def _dead_letter(self, record: Record, error: Exception) -> None:
        await self.dead_letters.dead_letter(record, error)
        self.metrics.dead_letters_total.labels(topic=record.topic).inc()
