"""The consumer loop: everything that happens around a handler, in one place.

    decode -> handler -> [inbox + effects] in one transaction -> offset

Records that have arrived together share a transaction. The handlers run before it and touch
nothing, so they may run twice; their effects are recorded once. If anything about a batch fails, it
never happened, and its records are taken one by one: what a failure does is decided by its type
(``libs.common.errors``), and concerns no other record. Only a version that is newer than the code
concerns all records behind it in its partition: they wait there for a newer release of the service.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.backoff import delay_s
from libs.common.contracts.base import Event
from libs.common.database.engine import Database
from libs.common.errors import (
    Conflict,
    LecternError,
    Malformed,
    Permanent,
    Transient,
    Unavailable,
    UnknownVersion,
)
from libs.common.observability.metrics import Metrics
from libs.common.observability.telemetry import current_traceparent, span_from
from libs.common.processing.dead_letters import DeadLetters, Record
from libs.common.processing.delivery import (
    EventDelivery,
    Outcome,
    Taken,
    Unreadable,
    envelope_of,
    read_delivery,
)
from libs.common.processing.failures import Failures, Task, code_of
from libs.common.processing.routes import Route
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect, UnitOfWork, apply
from libs.common.store.inbox import first_deliveries, first_delivery

log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class Consumer:
    """Feeds one service's routes from Kafka: one group, one subscriber on all its topics."""

    database: Database
    storage: Storage
    service: str
    routes: Sequence[Route]
    dead_letters: DeadLetters
    metrics: Metrics
    max_attempts: int
    max_in_place_s: float
    max_consecutive_bugs: int
    keep_events: bool = False
    stop_service: Callable[[], None] = lambda: None
    _bugs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_type = {route.event.topic: route for route in self.routes}
        self._failures = Failures(self.service, self.metrics, self.storage)

    @property
    def topics(self) -> list[str]:
        """The topics that the routes name."""
        return sorted(self._by_type)

    async def take(self, records: Sequence[Record]) -> Sequence[Taken]:
        """Take records through the loop described above.

        Returns what became of each. All are dealt with but those that are ``paused``: the caller
        must pause a partition at the first of them, and commit no offset of theirs. Raises only
        when no offset must be committed: the database does not answer, or this service is about to
        stop.
        """
        if len(records) > 1:
            together = await self._take_together(records)
            if together is not None:
                return together
        return await self._take_each(records)

    async def _take_each(self, records: Sequence[Record]) -> Sequence[Taken]:
        taken: list[Taken] = []
        paused: set[tuple[str, int]] = set()
        for record in records:
            partition = (record.topic, record.partition)
            if partition in paused:
                taken.append(Taken(record.topic, "paused", 0.0, None))
                continue
            taken.append(await self._take_one(record))
            if taken[-1].outcome == "paused":
                paused.add(partition)
        return taken

    async def _take_together(self, records: Sequence[Record]) -> Sequence[Taken] | None:
        """Handle records in one transaction; None when that failed and nothing was done."""
        started = perf_counter()
        try:
            found = [(record, read_delivery(record, self._by_type)) for record in records]
            new = await self._handle([delivery for _, delivery in found if delivery is not None])
        except Exception as error:
            log.info(
                "a batch is taken one by one", records=len(records), error=type(error).__name__
            )
            return None
        for _, delivery in found:
            if delivery is not None:
                self._bugs.pop(delivery.record.topic, None)
        seconds = (perf_counter() - started) / len(records)
        return [_taken(record, delivery, new, seconds) for record, delivery in found]

    async def _take_one(self, record: Record) -> Taken:
        started = perf_counter()
        try:
            delivery = read_delivery(record, self._by_type)
        except UnknownVersion as error:
            _tell_paused(record, error)
            return Taken(record.topic, "paused", perf_counter() - started, None)
        except Exception as error:  # raised again, it would have the record come for ever
            if not isinstance(error, Malformed):
                log.exception("a record could not be read", topic=record.topic)
            await self._dead_letter(record, error)
            await self._settle(record, error)
            return Taken(record.topic, "malformed", perf_counter() - started, None)
        if delivery is None:
            return _taken(record, None, set(), perf_counter() - started)
        done = await self._with_failures(delivery)
        seconds = perf_counter() - started
        if isinstance(done, str):
            return Taken(record.topic, done, seconds, None)
        return _taken(record, delivery, done, seconds)

    async def _with_failures(self, delivery: EventDelivery) -> set[str] | Outcome:
        """Handle an event; return what is new about it, or how it ended without being handled."""
        try:
            new = await self._with_retries(delivery)
        except UnknownVersion as error:  # in the store, where a newer release has written to it
            _tell_paused(delivery.record, error)
            return "paused"
        except LecternError as error:
            if isinstance(error, Unavailable):
                raise  # an outage must not drain the topic
            await self._give_up(delivery, error, self.max_attempts)
            return "given_up"
        except Exception as error:
            await self._bug(delivery, error)
            return "bug"
        self._bugs.pop(delivery.record.topic, None)
        return new

    async def _with_retries(self, delivery: EventDelivery) -> set[str]:
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
                log.warning(
                    "event will be retried", topic=delivery.event.topic, code=code_of(error)
                )
                await asyncio.sleep(0 if isinstance(error, Conflict) else delay_s(attempt))

    async def _handle(self, deliveries: Sequence[EventDelivery]) -> set[str]:
        """Handle events in one transaction; return the ids of those that are new."""
        decided = {delivery.event_id: await delivery.decide() for delivery in deliveries}
        if not decided:
            return set()
        async with self.database.transaction() as connection:
            new = await self._first_of(connection, [delivery.event for delivery in deliveries])
            work = UnitOfWork(connection)
            for event_id, (effects, traceparent) in decided.items():
                if event_id in new:
                    await work.add(effects, traceparent)
            await work.finish()
        self.metrics.events_appended_total.inc(work.appended)
        return new

    async def _first_of(self, connection: AsyncConnection, events: Sequence[Event]) -> set[str]:
        return await first_deliveries(connection, self.service, events, keep=self.keep_events)

    async def _give_up(self, delivery: EventDelivery, error: Exception, attempts: int) -> None:
        """Record that an event was given up, in place of its effects."""
        event = delivery.event
        task = Task(kind=event.topic, name=delivery.event_id, about=event, attempts=attempts)
        effects = await self._failures.given_up(task, error, delivery.route.gave_up)
        await self._dead_letter(delivery.record, error)
        with span_from(delivery.envelope.traceparent, f"give up {event.topic}"):
            await self._record_failure(
                lambda connection: self._first_of(connection, [event]), effects
            )

    async def _settle(self, record: Record, error: Exception) -> None:
        """Record the failure of an event that cannot be read, if its headers can.

        They name the document, and the stream that somebody waits for.
        """
        envelope = envelope_of(record)
        if envelope is None or envelope.type not in self._by_type:
            return
        task = Task(
            kind=envelope.type,
            name=str(envelope.event_id),
            about=Unreadable.of(envelope),
            attempts=1,
        )
        effects = await self._failures.given_up(task, error)
        with span_from(envelope.traceparent, f"give up {envelope.type}"):
            await self._record_failure(
                lambda connection: first_delivery(connection, self.service, envelope.event_id),
                effects,
            )

    async def _record_failure(
        self,
        is_first: Callable[[AsyncConnection], Awaitable[object]],
        effects: Sequence[Effect],
    ) -> None:
        appended = 0
        async with self.database.transaction() as connection:
            if await is_first(connection):
                appended = await apply(connection, effects, current_traceparent())
        self.metrics.events_appended_total.inc(appended)

    async def _bug(self, delivery: EventDelivery, error: Exception) -> None:
        topic = delivery.record.topic
        in_a_row = self._bugs[topic] = self._bugs.get(topic, 0) + 1
        self.metrics.bugs_total.labels(where=topic).inc()
        log.exception("handler failed unexpectedly", topic=topic, in_a_row=in_a_row)
        if in_a_row > self.max_consecutive_bugs:
            self.stop_service()
            raise Permanent("too many unexpected errors in a row: stopping") from error
        await self._give_up(delivery, error, 1)

    async def _dead_letter(self, record: Record, error: Exception) -> None:
        await self.dead_letters.dead_letter(record, error)
        self.metrics.dead_letters_total.labels(topic=record.topic).inc()


def _tell_paused(record: Record, error: UnknownVersion) -> None:
    log.error(
        "a partition is paused at an event that is newer than this service",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        error=str(error),
        found=error.found,
        known=error.known,
        what_to_do="upgrade this service; until then nothing behind this event is read",
    )


def _taken(record: Record, delivery: EventDelivery | None, new: set[str], seconds: float) -> Taken:
    if delivery is None:
        return Taken(record.topic, "ignored", seconds, None)
    outcome: Outcome = "handled" if delivery.event_id in new else "duplicate"
    return Taken(record.topic, outcome, seconds, delivery.lag_s())
