import pytest

from libs.common.contracts.audio import AudioProgressed, AudioReady, VoicesAnnounced
from libs.common.contracts.catalog import every_event
from libs.common.contracts.documents import PageEdited, PageExtracted
from libs.common.kafka.topic_specs import (
    HOUR_MS,
    TopicSpec,
    dead_letter_topic,
    declared_topics,
    read_retention,
)
from libs.common.settings import InvalidSettings

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
    assert topics["page.edited"].config == {"cleanup.policy": "delete", "retention.ms": "-1"}
    assert topics["audio.ready"].config["retention.ms"] == "-1"
    assert topics[AudioProgressed.topic].config["retention.ms"] == "86400000"


def test_dead_letters_have_one_partition_and_are_kept_for_thirty_days() -> None:
    spec = by_name()[dead_letter_topic("audio.ready", "notifier")]
    assert spec.partitions == 1
    assert spec.config["retention.ms"] == "2592000000"


def test_partitions_are_set_of_what_is_keyed_by_document_and_of_nothing_else() -> None:
    topics = {spec.name: spec.partitions for spec in declared_topics(CONSUMERS, partitions=48)}
    for event in every_event():
        by_document = event.keyed_by[0] == "document_id"
        assert topics[event.topic] == (48 if by_document else event.partitions)
    assert topics["audio.ready"] == 48
    assert topics[VoicesAnnounced.topic] == VoicesAnnounced.partitions == 1
    assert topics["audio.ready.notifier.dlq"] == 1


def test_only_public_topics_are_compressed_anew_for_every_client() -> None:
    topics = by_name()
    for event in every_event():
        compression = topics[event.topic].config.get("compression.type")
        assert compression == ("gzip" if event.public else None)
    assert topics["audio.ready"].config["compression.type"] == "gzip"


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, None), (2, "1"), (3, "2")])
def test_all_but_one_replica_must_be_in_sync(replicas: int, in_sync: str | None) -> None:
    specs = by_name(replicas).values()
    assert {spec.replication_factor for spec in specs} == {replicas}
    assert {spec.config.get("min.insync.replicas") for spec in specs} == {in_sync}


def retained(text: str) -> dict[str, TopicSpec]:
    specs = declared_topics(CONSUMERS, retention_ms=read_retention(text))
    return {spec.name: spec for spec in specs}


def test_retention_is_set_by_topic_and_enforced_where_it_is_named() -> None:
    before = by_name()
    topics = retained("audio.progressed=2, page.edited=720,")
    assert topics["audio.progressed"].config["retention.ms"] == str(2 * HOUR_MS)
    assert topics["page.edited"].config["retention.ms"] == str(720 * HOUR_MS)
    assert topics["page.edited"].config["cleanup.policy"] == "delete"
    enforced = {name for name, spec in topics.items() if spec.enforced}
    assert enforced == {"audio.progressed", "page.edited"}
    assert topics["page.edited"].enforced == {"retention.ms"}
    assert topics["audio.ready"] == before["audio.ready"]
    assert retained("") == before


def test_what_is_kept_for_ever_may_be_said_too() -> None:
    spec = retained("audio.progressed=forever")["audio.progressed"]
    assert spec.config["retention.ms"] == "-1"
    assert spec.enforced == {"retention.ms"}


def test_all_dead_letters_are_named_at_once_and_one_of_them_apart() -> None:
    topics = retained("*.dlq=24,audio.ready.notifier.dlq=48")
    hours = {
        name: int(spec.config["retention.ms"]) / HOUR_MS
        for name, spec in topics.items()
        if spec.enforced
    }
    assert hours == {
        "page.extracted.segmenter.dlq": 24,
        "page.edited.segmenter.dlq": 24,
        "audio.ready.notifier.dlq": 48,
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("audio.red=24", "there is no topic 'audio.red'"),
        ("*.dlt=24", "there is no topic '*.dlt'"),
        ("audio.ready", "'audio.ready' is not of the form topic=hours"),
        ("=24", "'=24' is not of the form topic=hours"),
        ("audio.ready=", "audio.ready=: write hours as a whole number above 0, or forever"),
        ("audio.ready=0", "audio.ready=0: write hours"),
        ("audio.ready=-1", "audio.ready=-1: write hours"),
        ("audio.ready=1.5", "audio.ready=1.5: write hours"),
        ("audio.ready=\u0662", "write hours"),
        ("audio.ready=1,audio.ready=2", "'audio.ready' is named twice"),
    ],
)
def test_what_names_no_topic_or_no_time_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        retained(text)
    assert str(refused.value).startswith("LECTERN_TOPIC_RETENTION_HOURS: ")
    assert sentence in str(refused.value)
