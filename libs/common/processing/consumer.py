"""The consumer loop: everything that happens around a handler, in one place.

    decode -> handler -> [inbox + effects] in one transaction -> offset

Records that have arrived together share a transaction. The handlers run before it and touch
nothing, so they may run twice; their effects are recorded once. If anything about a batch fails, it
never happened, and its records are taken one by one: what a failure does is decided by its type
(``libs.common.errors``), and concerns no other record. Only a version that is newer than the code
concerns all records behind it in its partition: they wait there for a newer release of the service.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import structlog

from libs.common.backoff import OUTAGE_CAP_S, delay_s
from libs.common.database.advisory_locks import lock_all
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
from libs.common.processing.dead_letters import DeadLetters, Record
from libs.common.processing.delivery import (
    EventDelivery,
    Outcome,
    Taken,
    read_delivery,
)
from libs.common.processing.event_failures import EventFailures
from libs.common.processing.failures import Failures, code_of
from libs.common.processing.routes import Route
from libs.common.storage.port import Storage
from libs.common.store.effects import UnitOfWork
from libs.common.store.inbox import first_deliveries

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
        self._failures = EventFailures(
            database=self.database,
            service=self.service,
            failures=Failures(
                service=self.service,
                metrics=self.metrics,
                storage=self.storage,
                database=self.database,
            ),
            dead_letters=self.dead_letters,
            metrics=self.metrics,
            keep_events=self.keep_events,
        )

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
            await self._failures.give_up_unreadable(record, error, self._by_type)
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
            is_new = await self._failures.give_up(delivery, error, self.max_attempts)
            return "given_up" if is_new else "duplicate"
        except Exception as error:
            return "bug" if await self._bug(delivery, error) else "duplicate"
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
                wait_s = 0 if isinstance(error, Conflict) else delay_s(attempt, cap_s=OUTAGE_CAP_S)
                await asyncio.sleep(wait_s)

    async def _handle(self, deliveries: Sequence[EventDelivery]) -> set[str]:
        """Handle events in one transaction; return the ids of those that are new."""
        decided = {
            delivery.event_id: (delivery.event, *await delivery.decide()) for delivery in deliveries
        }
        if not decided:
            return set()
        async with self.database.transaction() as connection:
            # Else a deletion and what it overtakes, on two replicas, would miss each other.
            await lock_all(connection, {delivery.event.key for delivery in deliveries})
            arrivals = [delivery.arrival for delivery in deliveries]
            new = await first_deliveries(connection, self.service, arrivals, keep=self.keep_events)
            work = UnitOfWork(connection)
            for event_id, (event, effects, traceparent) in decided.items():
                if event_id in new:
                    await work.add(effects, traceparent, cause=event)
            await work.finish()
        self.metrics.events_appended_total.inc(work.appended)
        return new

    async def _bug(self, delivery: EventDelivery, error: Exception) -> bool:
        """Give an event up after an unexpected error; return whether it was new."""
        topic = delivery.record.topic
        in_a_row = self._bugs[topic] = self._bugs.get(topic, 0) + 1
        self.metrics.bugs_total.labels(where=topic).inc()
        log.exception("handler failed unexpectedly", topic=topic, in_a_row=in_a_row)
        if in_a_row > self.max_consecutive_bugs:
            self.stop_service()
            raise Permanent("too many unexpected errors in a row: stopping") from error
        return await self._failures.give_up(delivery, error, 1)


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
