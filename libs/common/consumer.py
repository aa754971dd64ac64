"""The consumer loop: everything that happens around a handler, in one place.

    decode -> handler -> [inbox + effects] in one transaction -> offset

Records that have arrived together share a transaction. The handlers run before it and touch
nothing, so they may run twice; their effects are recorded once. If anything about a batch fails, it
never happened, and its records are taken one by one: what a failure does is decided by its type
(``libs.common.errors``), and concerns no other record.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter, time

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.backoff import delay_s
from libs.common.cloudevents import Envelope, decode, read_envelope, text_headers
from libs.common.database import Database
from libs.common.dead_letters import DeadLetters, Record
from libs.common.effects import Effect, UnitOfWork, apply
from libs.common.errors import (
    Conflict,
    LecternError,
    Malformed,
    Permanent,
    Transient,
    Unavailable,
    UnknownVersion,
)
from libs.common.events import Event
from libs.common.failures import task_failed
from libs.common.inbox import first_deliveries
from libs.common.metrics import Metrics
from libs.common.routes import Route
from libs.common.telemetry import current_traceparent, span_from

log = structlog.get_logger(__name__)

UNEXPECTED = "an unexpected error"


@dataclass(frozen=True)
class Delivery:
    """One record, decoded: an event and the route that it takes."""

    record: Record
    envelope: Envelope
    route: Route
    event: Event


@dataclass
class Consumer:
    """Feeds one service's routes from Kafka: one group, one subscriber on all its topics."""

    database: Database
    service: str
    routes: Sequence[Route]
    dead_letters: DeadLetters
    metrics: Metrics
    keep_events: bool = False
    max_attempts: int = 5
    max_in_place_s: float = 60.0
    max_consecutive_bugs: int = 10
    stop_service: Callable[[], None] = lambda: None
    _bugs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_type = {each.event.topic: each for each in self.routes}

    @property
    def topics(self) -> list[str]:
        """The topics that the routes name."""
        return sorted(self._by_type)

    async def take(self, records: Sequence[Record]) -> None:
        """Take records through the loop described above.

        Returns when all are dealt with, one way or another. Raises only when their offsets must
        not be committed: the database does not answer, or this service is about to stop.
        """
        if len(records) > 1 and await self._take_together(records):
            return
        for record in records:
            await self._take_one(record)

    async def _take_together(self, records: Sequence[Record]) -> bool:
        """Handle records in one transaction; False when that failed and nothing was done."""
        started = perf_counter()
        try:
            found = [(each, self._read(each)) for each in records]
            new = await self._handle([each for _, each in found if each is not None])
        except Exception as error:
            log.info(
                "a batch is taken one by one", records=len(records), error=type(error).__name__
            )
            return False
        for _, delivery in found:
            if delivery is not None:
                self._bugs.pop(delivery.record.topic, None)
        seconds = (perf_counter() - started) / len(records)
        for record, delivery in found:
            self._count(record, self._outcome(delivery, new), seconds)
        return True

    async def _take_one(self, record: Record) -> None:
        started = perf_counter()
        outcome = "error"
        try:
            outcome = await self._with_failures(record)
        finally:
            self._count(record, outcome, perf_counter() - started)

    def _count(self, record: Record, outcome: str, seconds: float) -> None:
        self.metrics.events_consumed_total.labels(topic=record.topic, outcome=outcome).inc()
        self.metrics.event_handling_seconds.labels(topic=record.topic).observe(seconds)

    def _read(self, record: Record) -> Delivery | None:
        """Decode a record; None when nothing here is interested in it.

        Raises:
            Malformed: It is not an event.
            UnknownVersion: It comes from a newer release.
        """
        envelope = read_envelope(text_headers(record.headers))
        event = decode(envelope, record.value or b"")
        route = self._by_type.get(envelope.type)
        if route is None:
            return None
        return Delivery(record, envelope, route, event)

    async def _with_failures(self, record: Record) -> str:
        try:
            delivery = self._read(record)
        except (Malformed, UnknownVersion) as error:
            await self._put_aside(record, error)
            return "malformed"
        except Exception as error:  # raised again, it would have the record come for ever
            log.exception("a record could not be read", topic=record.topic)
            await self._put_aside(record, error)
            return "malformed"
        if delivery is None:
            return "ignored"
        try:
            new = await self._with_retries(delivery)
        except LecternError as error:
            if isinstance(error, Unavailable):
                raise  # an outage must not drain the topic
            await self._give_up(delivery, error, self.max_attempts)
            return "given_up"
        except Exception as error:
            await self._bug(delivery, error)
            return "bug"
        self._bugs.pop(record.topic, None)
        return self._outcome(delivery, new)

    def _outcome(self, delivery: Delivery | None, new: set[str]) -> str:
        if delivery is None:
            return "ignored"
        self.metrics.event_lag_seconds.labels(topic=delivery.record.topic).observe(
            max(0.0, time() - delivery.envelope.time.timestamp())
        )
        return "handled" if str(delivery.event.event_id) in new else "duplicate"

    async def _with_retries(self, delivery: Delivery) -> set[str]:
        """Handle an event, again and again in place, so that order per document holds."""
        attempt, started = 0, perf_counter()
        while True:
            attempt += 1
            try:
                return await self._handle([delivery])
            except (Transient, Conflict) as error:
                outage = isinstance(error, Unavailable)
                too_long = perf_counter() - started > self.max_in_place_s
                if too_long or (attempt >= self.max_attempts and not outage):
                    raise
                log.warning("event will be retried", topic=delivery.event.topic, error=str(error))
                await asyncio.sleep(0 if isinstance(error, Conflict) else delay_s(attempt))

    async def _handle(self, deliveries: Sequence[Delivery]) -> set[str]:
        """Handle events in one transaction; return the ids of those that are new."""
        decided = {str(each.event.event_id): await _decide(each) for each in deliveries}
        if not decided:
            return set()
        async with self.database.transaction() as connection:
            new = await self._first_of(connection, [each.event for each in deliveries])
            work = UnitOfWork(connection)
            for event_id, (effects, traceparent) in decided.items():
                if event_id in new:
                    await work.add(effects, traceparent)
            await work.finish()
        return new

    async def _first_of(self, connection: AsyncConnection, events: Sequence[Event]) -> set[str]:
        return await first_deliveries(connection, self.service, events, keep=self.keep_events)

    async def _give_up(self, delivery: Delivery, error: Exception, attempts: int) -> None:
        """Record that an event was given up, in place of its effects."""
        event = delivery.event
        log.warning("event given up", topic=event.topic, error=str(error))
        failure = task_failed(
            service=self.service,
            kind=event.topic,
            task=str(event.event_id),
            error=error,
            attempts=attempts,
            document_id=getattr(event, "document_id", None),
            page=getattr(event, "page", None),
        )
        await self._put_aside(delivery.record, error)
        with span_from(delivery.envelope.traceparent, f"give up {event.topic}"):
            async with self.database.transaction() as connection:
                if await self._first_of(connection, [event]):
                    known = error if isinstance(error, LecternError) else Permanent(UNEXPECTED)
                    effects = [*delivery.route.gave_up(event, known), failure]
                    await apply(connection, effects, current_traceparent())

    async def _bug(self, delivery: Delivery, error: Exception) -> None:
        topic = delivery.record.topic
        in_a_row = self._bugs[topic] = self._bugs.get(topic, 0) + 1
        self.metrics.bugs_total.labels(where=topic).inc()
        log.exception("handler failed unexpectedly", topic=topic, in_a_row=in_a_row)
        if in_a_row > self.max_consecutive_bugs:
            self.stop_service()
            raise Permanent("too many unexpected errors in a row: stopping") from error
        await self._give_up(delivery, error, 1)

    async def _put_aside(self, record: Record, error: Exception) -> None:
        await self.dead_letters.put_aside(record, error)
        self.metrics.dead_letters_total.labels(topic=record.topic).inc()


async def _decide(delivery: Delivery) -> tuple[Sequence[Effect], str | None]:
    """Run the handler; return its effects and the trace that they belong to."""
    event = delivery.event
    with span_from(
        delivery.envelope.traceparent, f"consume {event.topic}", event_id=str(event.event_id)
    ):
        return await delivery.route.handler(event), current_traceparent()
