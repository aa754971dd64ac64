"""Kafka to consumer loop: which records are taken together, and what becomes of their offsets."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError
from faststream.kafka import KafkaBroker, KafkaMessage

from libs.common.consumer import Consumer
from libs.common.dead_letters import Record

MAX_BATCH = 100


def subscribe(
    consumer: Consumer,
    broker: KafkaBroker,
    *,
    fetch_max_wait_ms: int,
    max_poll_interval_ms: int,
    session_timeout_ms: int = 10_000,
) -> None:
    """Have ``broker`` feed ``consumer``. Call once, before it starts.

    ``broker`` is one of :mod:`libs.common.broker`, which acknowledges after success only. One
    record wakes the consumer at once, and those that were fetched with it are taken along:
    FastStream's batches would wait for company, and sleep when there is none.
    """

    @broker.subscriber(
        *consumer.topics,
        group_id=consumer.service,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=fetch_max_wait_ms,
        max_poll_interval_ms=max_poll_interval_ms,
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=session_timeout_ms // 4,
        no_reply=True,
        decoder=_as_it_came,
    )
    async def consume(came: tuple[Any, ConsumerRecord]) -> None:
        kafka, first = came
        records = [first]
        try:
            records += await _arrived(kafka)
            await consumer.take([_record(each) for each in records])
        except BaseException:
            _rewind(kafka, records)
            raise


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


async def _as_it_came(message: KafkaMessage) -> tuple[Any, Any]:
    """Return the Kafka consumer and its record, which are handed to the subscriber."""
    return message.consumer, message.raw_message
