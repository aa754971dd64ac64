"""The consumer loop: everything that happens around a handler, in one place.

    decode -> handler -> [inbox + effects] in one transaction -> offset

The handler runs before the transaction and touches nothing, so it may run twice; its effects are
recorded once. What a failure does is decided by its type (``libs.common.errors``).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, time
from typing import Any, Protocol

import structlog
from faststream.kafka import KafkaBroker, KafkaMessage

from libs.common.backoff import delay_s
from libs.common.cloudevents import Envelope, Headers, decode, read_envelope, text_headers
from libs.common.database import Database
from libs.common.effects import Effect, apply
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
from libs.common.inbox import first_delivery
from libs.common.metrics import Metrics
from libs.common.routes import Route
from libs.common.telemetry import current_traceparent, span_from

log = structlog.get_logger(__name__)

MAX_ERROR_CHARACTERS = 500


class DeadLetters(Protocol):
    """What the consumer needs of :class:`libs.common.sender.Sender`."""

    async def send_and_wait(
        self, topic: str, value: bytes | None, key: bytes | None, *, headers: Headers
    ) -> Any:
        """Store one record and wait until the broker has it.

        Raises:
            Unavailable: It did not take it.
        """
        ...


@dataclass(frozen=True)
class Record:
    """One record as it came, for the dead letters."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


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
    _bugs: int = 0

    def __post_init__(self) -> None:
        self._by_type = {each.event.topic: each for each in self.routes}

    @property
    def topics(self) -> list[str]:
        """The topics that the routes name."""
        return sorted(self._by_type)

    def subscribe(
        self,
        broker: KafkaBroker,
        *,
        fetch_max_wait_ms: int,
        max_poll_interval_ms: int,
        session_timeout_ms: int = 10_000,
    ) -> None:
        """Register with ``broker``. Call once, before it starts.

        ``broker`` is one of :mod:`libs.common.broker`, which acknowledges after success only.
        """

        @broker.subscriber(
            *self.topics,
            group_id=self.service,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=fetch_max_wait_ms,
            max_poll_interval_ms=max_poll_interval_ms,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=session_timeout_ms // 4,
            no_reply=True,
            decoder=_undecoded,
        )
        async def consume(message: KafkaMessage) -> None:
            raw = message.raw_message
            if isinstance(raw, tuple):
                raise TypeError("this consumer takes records one by one")
            await self.take(
                Record(raw.topic, raw.partition, raw.offset, raw.key, raw.value, raw.headers)
            )

    async def take(self, record: Record) -> None:
        """Take one record through the loop described above.

        Returns when the record is dealt with, one way or another. Raises only when its offset must
        not be committed: the database does not answer, or this service is about to stop.
        """
        started = perf_counter()
        outcome = "error"
        try:
            outcome = await self._take(record)
        finally:
            self.metrics.events_consumed_total.labels(topic=record.topic, outcome=outcome).inc()
            self.metrics.event_handling_seconds.labels(topic=record.topic).observe(
                perf_counter() - started
            )

    async def _take(self, record: Record) -> str:
        try:
            envelope = read_envelope(text_headers(record.headers))
            event = decode(envelope, record.value or b"")
        except (Malformed, UnknownVersion) as error:
            await self._dead_letter(record, error)
            return "malformed"
        route = self._by_type.get(envelope.type)
        if route is None:
            return "ignored"
        self.metrics.event_lag_seconds.labels(topic=record.topic).observe(
            max(0.0, time() - envelope.time.timestamp())
        )
        with span_from(
            envelope.traceparent, f"consume {record.topic}", event_id=str(event.event_id)
        ):
            return await self._handle(record, envelope, route, event)

    async def _handle(self, record: Record, envelope: Envelope, route: Route, event: Event) -> str:
        try:
            done = await self._with_retries(route, event)
        except LecternError as error:
            if isinstance(error, Unavailable):
                raise  # an outage must not drain the topic
            await self._give_up(record, event, error, self.max_attempts)
            return "given_up"
        except Exception as error:
            await self._bug(record, event, error)
            return "bug"
        self._bugs = 0
        return "handled" if done else "duplicate"

    async def _with_retries(self, route: Route, event: Event) -> bool:
        """Handle ``event``, again and again in place, so that order per document holds."""
        attempt, started = 0, perf_counter()
        while True:
            attempt += 1
            try:
                return await self.handle(route, event)
            except (Transient, Conflict) as error:
                outage = isinstance(error, Unavailable)
                too_long = perf_counter() - started > self.max_in_place_s
                if too_long or (attempt >= self.max_attempts and not outage):
                    raise
                log.warning("event will be retried", topic=event.topic, error=str(error))
                await asyncio.sleep(0 if isinstance(error, Conflict) else delay_s(attempt))

    async def handle(self, route: Route, event: Event) -> bool:
        """Run the handler and record its effects; False when the event was handled before."""
        effects: Sequence[Effect] = await route.handler(event)
        async with self.database.transaction() as connection:
            if not await first_delivery(connection, self.service, event, keep=self.keep_events):
                return False
            await apply(connection, effects, current_traceparent())
        return True

    async def _give_up(self, record: Record, event: Event, error: Exception, attempts: int) -> None:
        """Record that ``event`` was given up, in place of its effects."""
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
        await self._dead_letter(record, error)
        async with self.database.transaction() as connection:
            if await first_delivery(connection, self.service, event, keep=self.keep_events):
                await apply(connection, [failure], current_traceparent())

    async def _bug(self, record: Record, event: Event, error: Exception) -> None:
        self._bugs += 1
        self.metrics.bugs_total.labels(where=record.topic).inc()
        log.exception("handler failed unexpectedly", topic=record.topic, in_a_row=self._bugs)
        if self._bugs > self.max_consecutive_bugs:
            self.stop_service()
            raise Permanent("too many unexpected errors in a row: stopping") from error
        await self._give_up(record, event, error, 1)

    async def _dead_letter(self, record: Record, error: Exception) -> None:
        """Keep what could not be handled, with where it came from and why."""
        described = str(error) if isinstance(error, LecternError) else type(error).__name__
        extra = {
            "dlq_topic": record.topic,
            "dlq_partition": str(record.partition),
            "dlq_offset": str(record.offset),
            "dlq_error": type(error).__name__,
            "dlq_reason": described[:MAX_ERROR_CHARACTERS],
        }
        original = [(name, value or b"") for name, value in record.headers]
        headers = original + [(name, value.encode()) for name, value in extra.items()]
        attempt, started = 0, perf_counter()
        while True:
            try:
                await self.dead_letters.send_and_wait(
                    f"{record.topic}.{self.service}.dlq", record.value, record.key, headers=headers
                )
                break
            except Unavailable:  # the record would be delivered again at once
                attempt += 1
                if perf_counter() - started > self.max_in_place_s:
                    raise
                await asyncio.sleep(delay_s(attempt))
        self.metrics.dead_letters_total.labels(topic=record.topic).inc()


async def _undecoded(message: KafkaMessage) -> bytes:
    return message.body
