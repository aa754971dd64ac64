"""Partitions that wait at an event newer than the service."""

from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from libs.common.kafka.pausing import PausedPartitions, first_paused
from libs.common.observability.metrics import Metrics
from libs.common.processing.delivery import Taken

TOPIC = "page.extracted"
FIRST, SECOND = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)


class Kafka:
    """Takes note of what it is told; partitions of ``others`` are not its own."""

    def __init__(self, *others):
        self.told = []
        self.others = others

    def seek(self, partition, offset):
        if partition in self.others:
            raise IllegalStateError("not assigned")
        self.told.append(("seek", partition, offset))

    def pause(self, partition):
        self.told.append(("pause", partition))


@pytest.fixture
def metrics():
    return Metrics("ingest")


def gauge(metrics, topic=TOPIC):
    labels = {"service": "ingest", "topic": topic}
    return metrics.registry.get_sample_value("partitions_paused", labels)


def came(offset, outcome, partition=0):
    record = SimpleNamespace(topic=TOPIC, partition=partition, offset=offset)
    return record, Taken(TOPIC, outcome, 0.0, None)


def test_a_partition_is_paused_at_the_first_record_that_has_to_wait():
    given = [
        came(7, "handled"),
        came(8, "paused"),
        came(3, "paused", partition=1),
        came(9, "paused"),
        came(4, "handled", partition=2),
    ]
    records, taken = zip(*given, strict=True)
    assert first_paused(records, taken) == {FIRST: 8, SECOND: 3}


def test_what_waits_is_neither_skipped_nor_fetched(metrics):
    kafka = Kafka()
    PausedPartitions(metrics).pause(kafka, {FIRST: 8})
    assert kafka.told == [("seek", FIRST, 8), ("pause", FIRST)]


def test_paused_partitions_are_counted_and_told(metrics):
    paused = PausedPartitions(metrics)
    assert paused.sentence() is None
    paused.pause(Kafka(), {FIRST: 8})
    paused.pause(Kafka(), {SECOND: 3})
    assert gauge(metrics) == 2
    assert paused.sentence() == (
        "paused at events newer than this service: page.extracted (partition 0, offset 8), "
        "page.extracted (partition 1, offset 3); upgrade this service"
    )


def test_a_sentence_about_many_stays_short(metrics):
    paused = PausedPartitions(metrics)
    paused.pause(Kafka(), {TopicPartition(TOPIC, number): 1 for number in range(12)})
    assert "(partition 2, offset 1) and 9 more;" in str(paused.sentence())


def test_after_a_rebalance_nothing_is_paused(metrics):
    paused = PausedPartitions(metrics)
    paused.pause(Kafka(), {FIRST: 8, SECOND: 3})
    paused.on_partitions_revoked({FIRST, SECOND})
    paused.on_partitions_assigned({FIRST})
    assert (gauge(metrics), paused.sentence()) == (0, None)


def test_what_others_have_by_now_is_theirs_to_pause(metrics):
    kafka, paused = Kafka(FIRST), PausedPartitions(metrics)
    paused.pause(kafka, {FIRST: 8, SECOND: 3})
    assert kafka.told == [("seek", SECOND, 3), ("pause", SECOND)]
    assert gauge(metrics) == 1
