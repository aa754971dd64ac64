"""Kafka to consumer loop: one batch subscriber of FastStream on all topics of a service.

    records -> parser, decoder -> middlewares (offsets, metrics) -> consumer

The first record wakes the subscriber at once, and whatever was fetched with it comes along.
"""

from collections.abc import Sequence
from functools import partial

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker

from libs.common.kafka.decoding import decode, parse
from libs.common.kafka.measuring import Measuring
from libs.common.kafka.offsets import Committing, Offsets
from libs.common.kafka.pausing import PausedPartitions
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import Record
from libs.common.processing.delivery import Taken

MAX_BATCH = 100
FOR_EVER_MS = 10 * 365 * 24 * 3600 * 1000
"""How long a batch waits for its first record; nothing waits for a second one.

FastStream sleeps as long again when none came. So it must not end: a short time would delay events.
"""


def subscribe(
    consumer: Consumer,
    broker: KafkaBroker,
    *,
    paused: PausedPartitions,
    fetch_max_wait_ms: int,
    max_poll_interval_ms: int,
    session_timeout_ms: int,
) -> FastStream:
    """Return an application that feeds ``consumer`` while it runs.

    Call once for a broker that has not started. Acknowledgements are ours (:mod:`.offsets`), and
    ``paused`` has what is paused of the topics (:mod:`.pausing`).
    """
    offsets = Offsets()
    broker.add_middleware(partial(Committing, offsets=offsets, paused=paused))
    broker.add_middleware(partial(Measuring, metrics=consumer.metrics))

    @broker.subscriber(
        *consumer.topics,
        batch=True,
        max_records=MAX_BATCH,
        batch_timeout_ms=FOR_EVER_MS,
        group_id=consumer.service,
        listener=paused,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=fetch_max_wait_ms,
        max_poll_interval_ms=max_poll_interval_ms,
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=session_timeout_ms // 4,
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        parser=parse,
        decoder=decode,
    )
    async def consume(records: Sequence[Record]) -> Sequence[Taken]:
        return await consumer.take(records)

    return FastStream(broker, logger=None, on_shutdown=[offsets.close])
