"""The offsets of records that were dealt with, committed once a second.

A commit costs a round trip, as much as handling a record. Whoever dies before it gets some records
a second time, and their inbox rows make that harmless.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import BaseMiddleware

from libs.common.kafka.pausing import PausedPartitions, first_paused

log = structlog.get_logger(__name__)

COMMIT_EVERY_S = 1.0
LAST_COMMIT_S = 2.0


class Offsets:
    """Those of one consumer."""

    def __init__(self, commit_every_s: float = COMMIT_EVERY_S) -> None:
        self._commit_every_s = commit_every_s
        self._kafka: Any = None
        self._next: dict[TopicPartition, int] = {}
        self._due: asyncio.Task[None] | None = None
        self._closed = False

    async def done(self, kafka: Any, records: Sequence[ConsumerRecord]) -> None:
        """Have the offsets of ``records`` committed soon; at once when the end has begun.

        Who has left the group may not commit any more, and it is left after the last handler.
        """
        self._kafka = kafka
        for record in records:
            self._next[TopicPartition(record.topic, record.partition)] = record.offset + 1
        if self._closed:
            await self._commit_the_last()
        elif self._due is None or self._due.done():
            self._due = asyncio.create_task(self._commit_later(), name="commit offsets")

    async def close(self) -> None:
        """Commit what is left, and wait no more from now on."""
        self._closed = True
        if self._due is not None:
            self._due.cancel()
            await asyncio.wait([self._due])
        await self._commit_the_last()

    async def _commit_the_last(self) -> None:
        """Commit, but not until Kafka is back if it is away."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_COMMIT_S):
                await self._commit()

    async def _commit_later(self) -> None:
        while self._next:  # also what was dealt with while a commit took long
            await asyncio.sleep(self._commit_every_s)
            await self._commit()

    async def _commit(self) -> None:
        offsets, self._next = self._next, {}
        if not offsets:
            return
        try:
            await self._kafka.commit(offsets)
        except (KafkaError, OSError) as error:  # others have the partitions, or will tell again
            log.info("offsets were not committed", error=type(error).__name__)
        except asyncio.CancelledError:  # the last commit is still to come
            self._next = offsets | self._next
            raise


class Committing(BaseMiddleware[Any, Any]):
    """Acknowledges what was dealt with of a batch, and has one that failed come again.

    Partitions are paused at what has to wait for a newer release.
    """

    def __init__(
        self, msg: Any, /, *, context: Any, offsets: Offsets, paused: PausedPartitions
    ) -> None:
        super().__init__(msg, context=context)
        self._offsets = offsets
        self._paused = paused

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        """Call the handler; the offsets of what it has dealt with are committed if it returns."""
        try:
            taken = await call_next(msg)
        except BaseException:
            with suppress(IllegalStateError):  # others have the partitions now
                await msg.nack()
            raise
        records = msg.raw_message
        if waiting := first_paused(records, taken):
            self._paused.pause(msg.consumer, waiting)
            done = zip(records, taken, strict=True)
            records = [record for record, what in done if what.outcome != "paused"]
        await self._offsets.done(msg.consumer, records)
        return taken
