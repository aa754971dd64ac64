"""Fetch when something was sent, instead of asking again and again.

Kafka answers a fetch as soon as there is something. The embedded broker does not: it answers one
that finds nothing when its time is over, whatever comes meanwhile. So a short wait costs a fetch
after the other, and a long one delays every event. But there, who sends and who consumes are in one
process: what was sent is known, and up to where, and a partition that has been read to its end is
paused until more is sent.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

FIRST_LOOK_S = 0.25
LOOK_EVERY_S = 5.0
LOOK_FOR_S = 0.1


class FetchOnDemand:
    """What all senders and consumers of a process know of each other.

    Every few seconds partitions are looked at nevertheless, for what others may have sent.
    """

    def __init__(
        self, *, first_look_s: float = FIRST_LOOK_S, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._first_look_s = first_look_s
        self._look_every_s = look_every_s
        self._ends: dict[TopicPartition, int] = {}
        self._consumers: list[AIOKafkaConsumer] = []

    def sent(self, record: RecordMetadata) -> None:
        """Have a record fetched by those who consume its partition."""
        partition = record.topic_partition
        self._ends[partition] = max(record.offset + 1, self._ends.get(partition, 0))
        for each in self._consumers:
            _resume(each, [partition])

    def taken(self, consumer: AIOKafkaConsumer, records: Sequence[ConsumerRecord]) -> None:
        """Fetch no more from where ``records`` were the last ones."""
        nexts = {TopicPartition(each.topic, each.partition): each.offset + 1 for each in records}
        _pause(consumer, (each for each, end in nexts.items() if self._is_end(each, end)))

    def again(self, consumer: AIOKafkaConsumer, records: Sequence[ConsumerRecord]) -> None:
        """Fetch ``records`` once more, as they could not be dealt with."""
        _resume(consumer, {TopicPartition(each.topic, each.partition) for each in records})

    @asynccontextmanager
    async def following(self, consumers: Iterable[AIOKafkaConsumer]) -> AsyncIterator[None]:
        """Tell ``consumers`` of what is sent, while the block runs."""
        ours = list(consumers)
        self._consumers += ours
        looking = [asyncio.create_task(self._look(each), name="look for records") for each in ours]
        try:
            yield
        finally:
            for task in looking:
                task.cancel()
            for each in ours:
                self._consumers.remove(each)

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        await asyncio.sleep(self._first_look_s)
        while True:
            _resume(consumer, consumer.assignment())
            await asyncio.sleep(LOOK_FOR_S)
            for each in consumer.assignment():
                with suppress(KafkaError):  # such as: others have the partition now
                    if self._is_end(each, await consumer.position(each)):
                        _pause(consumer, [each])
            await asyncio.sleep(self._look_every_s)

    def _is_end(self, partition: TopicPartition, offset: int) -> bool:
        return offset >= self._ends.get(partition, 0)


def _pause(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
    consumer.pause(*consumer.assignment().intersection(partitions))


def _resume(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
    consumer.resume(*consumer.assignment().intersection(partitions))
