"""What FastStream's subscriber makes of the records that Kafka has sent: ours, as they came.

Nothing here fails, whatever a record holds: one that is no event is the consumer's to judge, and an
error in a parser or a decoder would have FastStream pass over all that came with it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from aiokafka import ConsumerRecord
from faststream.kafka import KafkaMessage

from libs.common.processing.dead_letters import Record

Records: TypeAlias = tuple[ConsumerRecord, ...]


async def parse(
    records: Records, as_text: Callable[[Records], Awaitable[KafkaMessage]]
) -> KafkaMessage:
    """Return the message of a batch; FastStream's own parser wants headers to be text."""
    try:
        return await as_text(records)
    except (UnicodeDecodeError, AttributeError):  # bytes of another encoding; none
        message = await as_text(tuple(replace(record, headers=()) for record in records))
        message.raw_message = records
        return message


async def decode(message: KafkaMessage) -> Sequence[Record]:
    """Return the records of a batch."""
    return [
        Record(
            topic=raw.topic,
            partition=raw.partition,
            offset=raw.offset,
            timestamp_ms=raw.timestamp,
            key=raw.key,
            value=raw.value,
            headers=raw.headers,
        )
        for raw in message.raw_message
    ]
