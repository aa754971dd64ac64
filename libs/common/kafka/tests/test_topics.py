import socket

import pytest

from libs.common.contracts.audio import AudioProgressed, AudioReady
from libs.common.contracts.catalog import every_event
from libs.common.contracts.documents import PageEdited, PageExtracted
from libs.common.errors import Unavailable
from libs.common.kafka.topics import (
    TopicSpec,
    compare,
    create_topics,
    dead_letter_topic,
    declared_topics,
)

CONSUMERS = {"segmenter": (PageExtracted, PageEdited), "notifier": (AudioReady,)}


def by_name(replication_factor: int = 1) -> dict[str, TopicSpec]:
    return {spec.name: spec for spec in declared_topics(CONSUMERS, replication_factor)}


def test_declares_one_topic_per_event_and_one_per_consumer_for_dead_letters() -> None:
    events = {event.topic for event in every_event()}
    dead_letters = {
        "page.extracted.segmenter.dlq",
        "page.edited.segmenter.dlq",
        "audio.ready.notifier.dlq",
    }
    assert set(by_name()) == events | dead_letters
    assert len(declared_topics(CONSUMERS)) == len(events) + len(dead_letters)


def test_events_are_kept_for_ever_and_progress_for_a_day() -> None:
    topics = by_name()
    assert topics["audio.ready"].partitions == AudioReady.partitions
    assert topics["audio.ready"].config == {"cleanup.policy": "delete", "retention.ms": "-1"}
    assert topics[AudioProgressed.topic].config["retention.ms"] == "86400000"


def test_dead_letters_have_one_partition_and_are_kept_for_thirty_days() -> None:
    spec = by_name()[dead_letter_topic("audio.ready", "notifier")]
    assert spec.partitions == 1
    assert spec.config["retention.ms"] == "2592000000"


def test_partitions_of_events_can_be_overridden() -> None:
    topics = {spec.name: spec.partitions for spec in declared_topics(CONSUMERS, partitions=3)}
    assert topics["audio.ready"] == 3
    assert topics["audio.ready.notifier.dlq"] == 1


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, None), (2, "1"), (3, "2")])
def test_all_but_one_replica_must_be_in_sync(replicas: int, in_sync: str | None) -> None:
    specs = by_name(replicas).values()
    assert {spec.replication_factor for spec in specs} == {replicas}
    assert {spec.config.get("min.insync.replicas") for spec in specs} == {in_sync}


@pytest.mark.parametrize(
    ("existing", "action", "partitions", "note"),
    [
        (None, "created", 12, ""),
        (12, "unchanged", 12, ""),
        (3, "extended", 12, "had 3"),
        (24, "unchanged", 24, "never taken away"),
    ],
)
def test_partitions_only_grow(
    existing: int | None, action: str, partitions: int, note: str
) -> None:
    outcome = compare(TopicSpec(name="audio.ready", partitions=12, replication_factor=1), existing)
    assert (outcome.action, outcome.partitions) == (action, partitions)
    assert note in str(outcome)
    assert str(outcome).startswith(action)


async def test_a_silent_cluster_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable):
        await create_topics(f"127.0.0.1:{port}", declared_topics(CONSUMERS))
