"""Sends what the event store holds and Kafka does not, in the order of ids.

One relay per database at a time; sending is pipelined.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import structlog

from libs.common.backoff import delay_s
from libs.common.contracts.cloudevents import Headers, headers
from libs.common.database.engine import Database
from libs.common.observability.metrics import Metrics
from libs.common.store import outbox
from libs.common.store.rows import StoredEvent

log = structlog.get_logger(__name__)

LONGEST_PAUSE_S = 5.0


class EventProducer(Protocol):
    """What the relay needs of :class:`libs.common.kafka.sender.Sender`."""

    async def send(
        self, topic: str, value: bytes, key: bytes, *, headers: Headers
    ) -> Awaitable[Any]:
        """Queue one record; the returned future is done when the broker has it."""
        ...

    def drop(self) -> None:
        """Have whatever comes next sent by a new producer."""
        ...


@dataclass(kw_only=True)
class Relay:
    """The relay of one service in one process."""

    database: Database
    producer: EventProducer
    source: str
    metrics: Metrics
    batch_size: int
    poll_interval_s: float
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0

    async def run(self) -> None:
        """Send until stopped; whatever fails is tried again, with backoff."""
        while not (self._stopping.is_set() and self._failures):
            try:
                async with self.database.exclusive("relay"):
                    await self._send_while_there_is_work()
                return
            except Exception as error:
                self._failures += 1
                log.warning("relay failed", error=type(error).__name__, failures=self._failures)
                await asyncio.sleep(delay_s(self._failures, cap_s=LONGEST_PAUSE_S))

    async def _send_while_there_is_work(self) -> None:
        batch = await self._unsent()
        while True:
            stopping = self._stopping.is_set()
            if batch:
                batch = await self._send(batch)
                continue
            if stopping:
                return
            await self.database.outbox_wakeup.wait(self.poll_interval_s)
            batch = await self._unsent()

    def stop(self) -> None:
        """Let :meth:`run` return once everything is sent."""
        self._stopping.set()
        self.database.outbox_wakeup.notify()

    async def send_batch(self) -> int:
        """Send the oldest unsent events, at most ``batch_size``, and return how many."""
        batch = await self._unsent()
        if batch:
            await self._send(batch)
        return len(batch)

    async def _unsent(self) -> Sequence[StoredEvent]:
        async with self.database.querying() as connection:
            return await outbox.unsent(connection, self.batch_size)

    async def _send(self, batch: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """Send a batch, and return the next one."""
        started = perf_counter()
        try:
            await self._deliver(batch)
        except Exception:
            self.producer.drop()
            raise
        self._failures = 0
        async with self.database.transaction() as connection:
            await outbox.mark_sent(connection, batch)
            following = await outbox.unsent(connection, self.batch_size)
        self.metrics.relay_batch_seconds.observe(perf_counter() - started)
        self.metrics.relay_sent_total.inc(len(batch))
        return following

    async def _deliver(self, batch: Sequence[StoredEvent]) -> None:
        sent = [
            await self.producer.send(
                row.topic,
                row.body,
                row.key.encode(),
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
            for row in batch
        ]
        for outcome in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
