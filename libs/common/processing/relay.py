"""Sends what the outbox holds to Kafka, in the order of ids.

One relay per database leads at a time, by a lease. Each row has its own outcome: it goes when the
broker has it, it is set aside when the broker refuses it for good, and otherwise it is sent again.
Then its topic is held back for a while, and the others go on. So is a topic that is full, where
there is such a thing: what waits in the outbox waits safely.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter

import structlog

from libs.common.backoff import OUTAGE_CAP_S, delay_s
from libs.common.contracts.cloudevents import headers
from libs.common.database.engine import Database
from libs.common.database.single_statements import single_statements
from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.processing.outgoing import (
    Acknowledged,
    EventProducer,
    Outcome,
    OutgoingRecord,
    RefusedRecord,
)
from libs.common.store import outbox
from libs.common.store.leading import Leader, leading
from libs.common.store.rows import StoredEvent

log = structlog.get_logger(__name__)

LEASE = "relay"
LOOK_AT_FULL_S = 0.05


@dataclass
class HeldTopic:
    """A topic that waits until ``until_s``, by the clock of this process."""

    failures: int = 0
    until_s: float = 0.0


@dataclass(kw_only=True)
class Relay:
    """The relay of one service in one process."""

    database: Database
    producer: EventProducer
    source: str
    metrics: Metrics
    batch_size: int
    poll_interval_s: float
    lease_ms: int
    full_topics: Callable[[], frozenset[str]] = frozenset
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0
    _held: dict[str, HeldTopic] = field(default_factory=dict)
    _passed_over: Sequence[str] = ()
    _full: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Send until stopped; whatever fails is tried again, with backoff."""
        while not (self._stopping.is_set() and self._failures):
            try:
                async with leading(self.database, LEASE, self.lease_ms) as leader:
                    await self._send_while_there_is_work(leader)
                return
            except Exception as error:
                self._failures += 1
                log.warning("relay failed", error=type(error).__name__, failures=self._failures)
                await asyncio.sleep(delay_s(self._failures, cap_s=OUTAGE_CAP_S))

    async def _send_while_there_is_work(self, leader: Leader) -> None:
        while True:
            stopping = self._stopping.is_set()
            leader.check()
            sent = await self._send_some(leader)
            if sent >= self.batch_size or (stopping and sent):
                continue
            if stopping:
                return
            await self.database.outbox_wakeup.wait(self._pause_s())

    def stop(self) -> None:
        """Let :meth:`run` return once all is sent that may be sent now."""
        self._stopping.set()
        self.database.outbox_wakeup.notify()

    async def send_batch(self) -> int:
        """Lead, send the oldest unsent events, at most ``batch_size``, and return how many.

        Raises:
            Unavailable: The database or the broker does not answer at all.
        """
        async with leading(self.database, LEASE, self.lease_ms) as leader:
            return await self._send_some(leader)

    async def _send_some(self, leader: Leader) -> int:
        """Send a batch; return how many events were in it."""
        async with self.database.querying() as connection:
            self._full = self.full_topics()
            self._passed_over = [*self._held_now(), *self._full]
            batch = await outbox.unsent(connection, self.batch_size, self._passed_over)
        if not batch:
            return 0
        started = perf_counter()
        outcomes = await self.producer.send_all([self._record(row) for row in batch])
        await self._settle(leader, batch, outcomes)
        self._failures = 0
        self.metrics.relay_batch_seconds.observe(perf_counter() - started)
        return len(batch)

    async def _settle(
        self, leader: Leader, batch: Sequence[StoredEvent], outcomes: Sequence[Outcome]
    ) -> None:
        rows = list(zip(batch, outcomes, strict=True))
        sent = [row.id for row, outcome in rows if isinstance(outcome, Acknowledged)]
        refused = {row: outcome for row, outcome in rows if isinstance(outcome, RefusedRecord)}
        reasons = {row.id: outcome.reason for row, outcome in refused.items()}
        async with single_statements(self.database) as connection:
            await outbox.remove_sent(connection, leader.lease, sent)
            await outbox.set_aside(connection, leader.lease, reasons)
        self.metrics.relay_sent_total.inc(len(sent))
        for row, outcome in refused.items():
            _tell_refused(row, outcome)
        self._hold(rows)

    def _hold(self, rows: Sequence[tuple[StoredEvent, Outcome]]) -> None:
        """Hold topics back in which anything failed; let go of those in which nothing did."""
        failed = {row.topic: why for row, why in rows if isinstance(why, Unavailable)}
        for row, _ in rows:
            if row.topic not in failed:
                self._held.pop(row.topic, None)
        for topic, why in failed.items():
            wait = self._held.setdefault(topic, HeldTopic())
            wait.failures += 1
            wait.until_s = monotonic() + delay_s(wait.failures, cap_s=OUTAGE_CAP_S)
            log.warning("a topic waits", topic=topic, why=str(why), failures=wait.failures)

    def _pause_s(self) -> float:
        """Return how long there is nothing to do, unless something is appended.

        Nothing of a topic that was passed over is read again before it is looked for, though its
        wait may have ended since.
        """
        waiting = {*self._passed_over, *self._held_now()} & self._held.keys()
        waits_s = [self._held[topic].until_s - monotonic() for topic in waiting]
        most_s = LOOK_AT_FULL_S if self._full else self.poll_interval_s
        return max(0.0, min([most_s, *waits_s]))

    def _held_now(self) -> list[str]:
        return [topic for topic, wait in self._held.items() if wait.until_s > monotonic()]

    def _record(self, row: StoredEvent) -> OutgoingRecord:
        return OutgoingRecord(
            topic=row.topic,
            key=row.key.encode(),
            value=row.body,
            headers=headers(
                event_id=row.event_id,
                topic=row.topic,
                source=self.source,
                occurred_at=row.occurred_at,
                key=row.key,
                stream=row.stream,
                version=row.version,
                traceparent=row.traceparent,
            ),
        )


def _tell_refused(row: StoredEvent, outcome: RefusedRecord) -> None:
    log.error(
        "the broker refused an event, which is set aside",
        topic=row.topic,
        event_id=row.event_id,
        stream=row.stream,
        bytes=len(row.body),
        error=outcome.reason,
        what_to_do="mend the cause, then run `lectern events republish --refused`",
    )
