"""Records on their way to one partition: batch after batch, and none behind one that failed.

aiokafka sends the batches of a partition one after the other by itself, but goes on after one that
was refused: what is sent again then comes behind what it was to come before. So a batch is handed
over when the one before it is stored.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnsupportedForMessageFormatError,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from libs.common.errors import Unavailable
from libs.common.processing.outgoing import Acknowledged, Outcome, OutgoingRecord, RefusedRecord

FOR_GOOD = (
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnsupportedForMessageFormatError,
)
"""Answers about a record, which will be the same the next time."""

_partition_of = DefaultPartitioner()


@dataclass(kw_only=True)
class Lane:
    """What waits for one partition: places in a sequence of records, in their order.

    ``alone`` is how many of the next ones are sent one at a time, because together the broker
    refused them.
    """

    topic: str
    partition: int
    waiting: deque[int]
    alone: int = 0
    failed: bool = field(default=False)

    async def send(
        self,
        producer: AIOKafkaProducer,
        records: Sequence[OutgoingRecord],
        outcomes: dict[int, Outcome],
        patience_s: float,
    ) -> None:
        """Send until something fails, and note what becomes of each record.

        If the broker refuses some, ``failed`` is set, and what waits can be sent by another
        producer. If it does not answer in time, nothing waits any more.
        """
        self.failed = False
        while self.waiting and not self.failed:
            sent, batch = self._next(producer, records)
            try:
                async with asyncio.timeout(patience_s):
                    stored = await producer.send_batch(batch, self.topic, partition=self.partition)
                    await stored
            except FOR_GOOD as error:
                self._refused(sent, error, outcomes)
            except (KafkaError, TimeoutError, OSError) as error:
                self._give_back([*sent, *self.waiting], error, outcomes)
            else:
                outcomes |= dict.fromkeys(sent, Acknowledged())
                self.alone = max(0, self.alone - len(sent))

    def _next(
        self, producer: AIOKafkaProducer, records: Sequence[OutgoingRecord]
    ) -> tuple[list[int], BatchBuilder]:
        """Take as many as fit in one batch."""
        batch, taken = producer.create_batch(), []
        while self.waiting:
            record = records[self.waiting[0]]
            fits = batch.append(
                key=record.key, value=record.value, timestamp=None, headers=record.headers
            )
            if fits is None:
                break
            taken.append(self.waiting.popleft())
            if self.alone:
                break
        batch.close()
        return taken, batch

    def _refused(self, sent: Sequence[int], error: Exception, outcomes: dict[int, Outcome]) -> None:
        self.failed = True
        if len(sent) == 1:
            outcomes[sent[0]] = RefusedRecord(type(error).__name__)
            self.alone = max(0, self.alone - 1)
        else:
            self.waiting.extendleft(reversed(sent))
            self.alone = len(sent)

    def _give_back(
        self, places: Iterable[int], error: Exception, outcomes: dict[int, Outcome]
    ) -> None:
        self.failed = True
        reason = Unavailable(f"the broker did not take it ({type(error).__name__})")
        outcomes |= dict.fromkeys(places, reason)
        self.waiting.clear()


async def lanes_of(
    producer: AIOKafkaProducer,
    topic: str,
    places: Sequence[int],
    records: Sequence[OutgoingRecord],
) -> list[Lane]:
    """Return the lanes that records of one topic take, by their keys.

    Raises:
        KafkaError: The topic is not there.
    """
    partitions = sorted(await producer.partitions_for(topic))
    lanes: dict[int, Lane] = {}
    for place in places:
        number = _partition_of(records[place].key, partitions, partitions)
        lane = lanes.setdefault(number, Lane(topic=topic, partition=number, waiting=deque()))
        lane.waiting.append(place)
    return list(lanes.values())
