"""Kafka to consumer loop: which records are taken together, and what becomes of their offsets."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.subscriber.usecase import LogicSubscriber

from libs.common.consumer import Consumer
from libs.common.dead_letters import Record
from libs.common.fetching import FetchOnDemand

log = structlog.get_logger(__name__)

MAX_BATCH = 100
COMMIT_EVERY_S = 1.0
LAST_COMMIT_S = 2.0


class Offsets:
    """The offsets of records that were dealt with, committed once a second.

    A commit costs a round trip, as much as handling a record. Whoever dies before it gets some
    records a second time, and their inbox rows make that harmless.
    """

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
        for each in records:
            self._next[TopicPartition(each.topic, each.partition)] = each.offset + 1
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


def subscribe(
    consumer: Consumer,
    broker: KafkaBroker,
    *,
    fetch_max_wait_ms: int,
    max_poll_interval_ms: int,
    session_timeout_ms: int = 10_000,
    fetches: FetchOnDemand | None = None,
) -> Offsets:
    """Have ``broker`` feed ``consumer``; call once, before it starts.

    Returns the offsets, to be closed before ``broker`` stops; acknowledgements are ours. One record
    wakes the consumer at once, and those that were fetched with it are taken along: FastStream's
    batches would wait for company, and sleep when there is none.
    """
    offsets = Offsets()

    @broker.subscriber(
        *consumer.topics,
        group_id=consumer.service,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=fetch_max_wait_ms,
        max_poll_interval_ms=max_poll_interval_ms,
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=session_timeout_ms // 4,
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        parser=_unopened,
        decoder=_as_it_came,
    )
    async def consume(came: tuple[Any, ConsumerRecord]) -> None:
        kafka, first = came
        await offsets.done(kafka, await _take(consumer, kafka, first, fetches))

    return offsets


def consumers_of(broker: KafkaBroker) -> list[AIOKafkaConsumer]:
    """Return what a broker that has started consumes with."""
    return [
        each.consumer
        for each in broker.subscribers
        if isinstance(each, LogicSubscriber) and each.consumer is not None
    ]


async def _take(
    consumer: Consumer, kafka: Any, first: ConsumerRecord, fetches: FetchOnDemand | None
) -> list[ConsumerRecord]:
    """Take a record and those that were fetched with it; return them, or have them come again."""
    records = [first]
    try:
        records += await _arrived(kafka)
        if fetches is not None:
            fetches.taken(kafka, records)
        await consumer.take([_record(each) for each in records])
    except BaseException:
        _rewind(kafka, records)
        if fetches is not None:
            fetches.again(kafka, records)
        raise
    return records


async def _arrived(kafka: Any) -> list[ConsumerRecord]:
    """Return what else has been fetched already, without waiting."""
    found = await kafka.getmany(timeout_ms=0, max_records=MAX_BATCH - 1)
    return [record for records in found.values() for record in records]


def _rewind(kafka: Any, records: Sequence[ConsumerRecord]) -> None:
    """Have ``records`` delivered again, unless another member of the group has them now."""
    first: dict[TopicPartition, int] = {}
    for each in records:
        partition = TopicPartition(each.topic, each.partition)
        first[partition] = min(each.offset, first.get(partition, each.offset))
    for partition, offset in first.items():
        with suppress(IllegalStateError):
            kafka.seek(partition, offset)


def _record(raw: ConsumerRecord) -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.value, raw.headers)


async def _unopened(
    record: ConsumerRecord, parse: Callable[[ConsumerRecord], Awaitable[KafkaMessage]]
) -> KafkaMessage:
    """Wrap a record without reading its headers.

    FastStream decodes them, and passes over a record, without a word, whose headers are no text.
    """
    message = await parse(replace(record, headers=()))
    message.raw_message = record
    return message


async def _as_it_came(message: KafkaMessage) -> tuple[Any, Any]:
    """Return the Kafka consumer and its record, which are handed to the subscriber."""
    return message.consumer, message.raw_message
