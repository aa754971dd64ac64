"""Fetch when something was sent, instead of asking again and again.

Kafka answers a fetch as soon as there is something. The embedded broker does not: it answers one
that finds nothing when its time is over, whatever comes meanwhile. So a short wait costs a fetch
after the other, and a long one delays every event. But there, who sends and who consumes are in one
process: what was sent is known, and up to where, and a partition that has been read to its end is
paused until more is sent.

From this also follows how many records wait, which other brokers tell only when asked, and which
topics are full: the embedded broker drops what is not fetched in time. Nothing else knows of this.
It is plugged in where connections are made (:class:`Clients`): its producer tells of what was sent,
and a middleware of its consuming broker of what was taken.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata
from faststream import BaseMiddleware
from faststream.kafka import KafkaBroker

from libs.common.kafka.broker import Clients, consuming_broker, producer
from libs.common.kafka.pausing import first_paused
from libs.common.settings import CommonSettings

Ends: TypeAlias = Mapping[TopicPartition, int]
"""Where partitions end: the offset of the next record of each."""

FIRST_LOOK_S = 0.25
LOOK_EVERY_S = 5.0
LOOK_FOR_S = 0.1
FULL_AT = 1000
"""Records of a partition: with a batch more they are far fewer than the broker keeps."""


class FetchOnDemand:
    """What all producers and consumers of a process know of each other.

    Every few seconds partitions are looked at nevertheless, for what others may have sent.
    """

    def __init__(
        self, *, first_look_s: float = FIRST_LOOK_S, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._first_look_s = first_look_s
        self._look_every_s = look_every_s
        self._ends: dict[TopicPartition, int] = {}
        self._looking: dict[AIOKafkaConsumer, asyncio.Task[None]] = {}
        self._held: dict[AIOKafkaConsumer, set[TopicPartition]] = {}
        self._nexts: dict[AIOKafkaConsumer, dict[TopicPartition, int]] = {}
        self._expected: dict[object, frozenset[str]] = {}

    def clients(self) -> Clients:
        """Return what connects to the broker of this process."""
        return Clients(
            producer=self._producer,
            consuming_broker=self._consuming_broker,
            full_topics=self.full_topics,
        )

    def expect(self, who: object, topics: Iterable[str]) -> None:
        """Count what is sent to ``topics`` for ``who``, whose consumer has not started yet."""
        self._expected[who] = self._expected.get(who, frozenset()).union(topics)

    def arrived(self, who: object) -> None:
        """Expect ``who`` no more: its consumers are followed, or will never be."""
        self._expected.pop(who, None)

    def follow(self, consumer: AIOKafkaConsumer) -> None:
        """Tell a consumer that has started of what is sent, until :meth:`leave`."""
        self._looking[consumer] = asyncio.create_task(self._look(consumer), name="look for records")

    def leave(self, consumer: AIOKafkaConsumer) -> None:
        """Tell it nothing more."""
        self._looking.pop(consumer).cancel()
        self._held.pop(consumer, None)
        self._nexts.pop(consumer, None)

    def backlog(self) -> int:
        """Return how many records wait for consumers of this process, once for each of them.

        What others have paused waits for something else, and is not counted.
        """
        return sum(
            max(0, self._ends.get(partition, 0) - self._nexts.get(consumer, {}).get(partition, 0))
            for consumer in self._looking
            for partition in consumer.assignment() - self._held.get(consumer, set())
        )

    def full_topics(self) -> frozenset[str]:
        """Return the topics of which so many records wait that no more had better be sent."""
        expected = frozenset().union(*self._expected.values())
        return frozenset(
            partition.topic
            for partition, end in self._ends.items()
            if end >= FULL_AT and partition.topic in expected
        ) | frozenset(
            partition.topic
            for consumer in self._looking
            for partition, following in self._nexts.get(consumer, {}).items()
            if self._ends.get(partition, 0) - following >= FULL_AT
            and partition not in self._held.get(consumer, set())
        )

    def ends(self) -> dict[TopicPartition, int]:
        """Return where partitions end now, for :meth:`handled_until`."""
        return dict(self._ends)

    def handled_until(self, ends: Ends) -> bool:
        """Whether consumers of this process have handled all that there was up to ``ends``."""
        expected = frozenset().union(*self._expected.values())
        if any(end > 0 and partition.topic in expected for partition, end in ends.items()):
            return False
        return all(
            self._nexts.get(consumer, {}).get(partition, 0) >= ends.get(partition, 0)
            for consumer in self._looking
            for partition in consumer.assignment() - self._held.get(consumer, set())
        )

    def sent(self, first: RecordMetadata, count: int = 1) -> None:
        """Have records that were stored together fetched by those who consume their partition."""
        partition = first.topic_partition
        self._ends[partition] = max(first.offset + count, self._ends.get(partition, 0))
        for consumer in self._looking:
            self._resume(consumer, [partition])

    def taken(self, consumer: AIOKafkaConsumer, records: Sequence[ConsumerRecord]) -> None:
        """Fetch no more from where ``records`` were the last ones."""
        nexts = {_partition(record): record.offset + 1 for record in records}
        ends = [found for found, after in nexts.items() if self._is_end(found, after)]
        self._pause(consumer, ends)

    def handled(self, consumer: AIOKafkaConsumer, records: Sequence[ConsumerRecord]) -> None:
        """Count ``records`` no more in the backlog."""
        nexts = {_partition(record): record.offset + 1 for record in records}
        self._nexts.setdefault(consumer, {}).update(nexts)

    def again(self, consumer: AIOKafkaConsumer, records: Sequence[ConsumerRecord]) -> None:
        """Fetch ``records`` once more, as they could not be dealt with."""
        self._resume(consumer, {_partition(record) for record in records})

    def hold(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        """Fetch nothing of ``partitions``, which others have paused, until they are given anew."""
        self._pause(consumer, partitions)
        self._held.setdefault(consumer, set()).update(partitions)

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        await asyncio.sleep(self._first_look_s)
        while True:
            self._resume(consumer, consumer.assignment())
            await asyncio.sleep(LOOK_FOR_S)
            for partition in consumer.assignment():
                with suppress(KafkaError):  # such as: others have the partition now
                    position = await consumer.position(partition)
                    self._nexts.setdefault(consumer, {}).setdefault(partition, position)
                    if self._is_end(partition, position):
                        self._pause(consumer, [partition])
            await asyncio.sleep(self._look_every_s)

    def _is_end(self, partition: TopicPartition, offset: int) -> bool:
        return offset >= self._ends.get(partition, 0)

    def _pause(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        self._drop_stale(consumer)
        consumer.pause(*consumer.assignment().intersection(partitions))

    def _resume(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        held = self._drop_stale(consumer)
        consumer.resume(*consumer.assignment().intersection(partitions) - held)

    def _drop_stale(self, consumer: AIOKafkaConsumer) -> set[TopicPartition]:
        """Return what is still held: who is given a partition anew, has it unpaused."""
        held = self._held.get(consumer, set())
        held &= consumer.paused()
        return held

    def _producer(self, settings: CommonSettings) -> AIOKafkaProducer:
        return producer(settings, partial(_TellingProducer, self))

    def _consuming_broker(self, settings: CommonSettings) -> KafkaBroker:
        broker = consuming_broker(settings, partial(_FollowedBroker, self))
        broker.add_middleware(partial(_Pausing, fetches=self))
        return broker


class _TellingProducer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka has no types
    """Tells of every record that the broker has taken."""

    def __init__(self, fetches: FetchOnDemand, **options: Any) -> None:
        super().__init__(**options)
        self._fetches = fetches

    async def send(self, *record: Any, **options: Any) -> "asyncio.Future[RecordMetadata]":
        """Queue one record; the returned future is done when the broker has it."""
        future: asyncio.Future[RecordMetadata] = await super().send(*record, **options)
        future.add_done_callback(partial(self._tell, 1))
        return future

    async def send_batch(
        self, batch: BatchBuilder, *to: Any, **options: Any
    ) -> "asyncio.Future[RecordMetadata]":
        """Queue a batch; the returned future is done when the broker has it."""
        count = batch.record_count()
        future: asyncio.Future[RecordMetadata] = await super().send_batch(batch, *to, **options)
        future.add_done_callback(partial(self._tell, count))
        return future

    def _tell(self, count: int, first: "asyncio.Future[RecordMetadata]") -> None:
        if not first.cancelled() and first.exception() is None:
            self._fetches.sent(first.result(), count)


class _FollowedBroker(KafkaBroker):
    """Has its consumers followed while it runs."""

    def __init__(self, fetches: FetchOnDemand, *servers: str, **options: Any) -> None:
        super().__init__(*servers, **options)
        self._fetches = fetches
        self._followed: list[AIOKafkaConsumer] = []

    def subscriber(self, *topics: Any, **options: Any) -> Any:
        """Declare a subscriber, whose topics are not read before it starts."""
        self._fetches.expect(self, topics)
        return super().subscriber(*topics, **options)

    async def start(self) -> None:
        """Start all subscribers."""
        await super().start()
        for subscriber in self.subscribers:
            consumer = getattr(subscriber, "consumer", None)  # in no type that is public
            if isinstance(consumer, AIOKafkaConsumer):
                self._followed.append(consumer)
                self._fetches.follow(consumer)
        self._fetches.arrived(self)

    async def stop(self, *reason: Any) -> None:
        """Stop all subscribers."""
        self._fetches.arrived(self)
        while self._followed:
            self._fetches.leave(self._followed.pop())
        await super().stop(*reason)


class _Pausing(BaseMiddleware[Any, Any]):
    """Pauses partitions that a batch was the last of, before more is asked of them."""

    def __init__(self, msg: Any, /, *, context: Any, fetches: FetchOnDemand) -> None:
        super().__init__(msg, context=context)
        self._fetches = fetches

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        """Call the handler."""
        consumer, records = msg.consumer, msg.raw_message
        self._fetches.taken(consumer, records)
        try:
            taken = await call_next(msg)
        except BaseException:
            self._fetches.again(consumer, records)
            raise
        self._fetches.handled(consumer, records)
        if waiting := first_paused(records, taken):
            self._fetches.hold(consumer, waiting)
        return taken


def _partition(record: ConsumerRecord) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
