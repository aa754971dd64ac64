"""The partitions that wait at an event newer than the service: nothing of them is fetched.

A pause ends when the partitions of the group are given out anew: by a replica that comes or goes,
or by a restart. Whoever has the partition then begins at the offset that was committed, which is
that of the event, and handles it or pauses once more.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError

from libs.common.observability.metrics import Metrics
from libs.common.processing.delivery import Taken

SHOWN = 3


class PausedPartitions(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Those of one consumer."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._offsets: dict[TopicPartition, int] = {}

    def pause(self, kafka: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
        """Fetch nothing from ``offsets`` on, each that of the event that is too new."""
        for partition, offset in offsets.items():
            try:
                kafka.seek(partition, offset)
                kafka.pause(partition)
            except IllegalStateError:  # others have the partition now
                continue
            self._offsets[partition] = offset
        self._measure({partition.topic for partition in offsets})

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Forget all of them: whoever has them next meets the event itself."""
        topics = {partition.topic for partition in self._offsets}
        self._offsets.clear()
        self._measure(topics)

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Nothing is paused at the start."""

    def sentence(self) -> str | None:
        """Return what a health page says of them; None if there are none."""
        if not self._offsets:
            return None
        found = [
            f"{partition.topic} (partition {partition.partition}, offset {offset})"
            for partition, offset in sorted(self._offsets.items())
        ]
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return (
            f"paused at events newer than this service: {', '.join(found[:SHOWN])}{more}; "
            "upgrade this service"
        )

    def _measure(self, topics: Collection[str]) -> None:
        paused = Counter(partition.topic for partition in self._offsets)
        for topic in topics:
            self._metrics.partitions_paused.labels(topic=topic).set(paused[topic])


def first_paused(
    records: Sequence[ConsumerRecord], taken: Sequence[Taken]
) -> dict[TopicPartition, int]:
    """Return the partitions to pause, with the offset of the first record that has to wait."""
    found: dict[TopicPartition, int] = {}
    for record, what in zip(records, taken, strict=True):
        if what.outcome == "paused":
            found.setdefault(TopicPartition(record.topic, record.partition), record.offset)
    return found
