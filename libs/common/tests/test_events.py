import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from libs.common import cloudevents
from libs.common.asyncapi import Sample, read_samples
from libs.common.errors import Malformed, UnknownVersion
from libs.common.events import (
    AudioFailed,
    DocumentDeleted,
    PageSegmented,
    TaskFailed,
    VoicesAnnounced,
    event_by_topic,
    every_event,
)

GOLDEN = Path(__file__).parents[3] / "docs" / "events" / "golden"
SAMPLES = read_samples(GOLDEN)
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

WHERE = "docs/events/golden"


def missing_samples(event, samples):
    """What to do about versions of an event that have no golden sample."""
    return [
        f"{WHERE}/{event.topic}/v{version}.json is missing: write key, headers and value of one "
        f"message of {event.__name__} v{version}, as its neighbors have them, and never change it"
        for version in range(1, event.version + 1)
        if (event.topic, version) not in samples
    ]


def missing_upcasters(event):
    """What to do about old versions of an event that nothing lifts."""
    return [
        f"{event.__name__} is at version {event.version}, and {event.__name__}.upcasters has no "
        f"{old}: add a function that turns the value of v{old} into that of v{old + 1}"
        for old in range(1, event.version)
        if old not in event.upcasters
    ]


class SecondDeleted(DocumentDeleted):
    """As if document.deleted had come to a second version.

    No subclass of Event itself, or it would count as an event of the system.
    """

    version = 2
    upcasters = {1: lambda body: {**body, "why": "not known"}}  # noqa: RUF012

    why: str


class Forgetful(DocumentDeleted):
    version = 3
    upcasters = {2: dict}  # noqa: RUF012


def a_deletion(**more):
    return DocumentDeleted(document_id=uuid4(), deleted_by=uuid4(), **more)


@pytest.mark.parametrize("event", every_event(), ids=lambda each: each.topic)
def test_every_version_has_a_golden_sample(event):
    assert not missing_samples(event, SAMPLES)


@pytest.mark.parametrize("event", every_event(), ids=lambda each: each.topic)
def test_every_old_version_has_an_upcaster(event):
    assert not missing_upcasters(event)
    assert set(event.upcasters) <= set(range(1, event.version))


@pytest.mark.parametrize(
    ("topic", "version"), SAMPLES, ids=[f"{topic} v{version}" for topic, version in SAMPLES]
)
def test_every_golden_sample_decodes_for_ever(topic, version):
    sample = SAMPLES[topic, version]
    assert topic in event_by_topic(), f"{WHERE}/{topic}: no event class has this topic any more"
    assert sample.value["version"] == version
    envelope = cloudevents.read_envelope(sample.headers)
    event = cloudevents.decode(envelope, sample.raw)
    assert type(event) is event_by_topic()[topic]
    assert (event.event_id, event.occurred_at) == (envelope.event_id, envelope.time)
    assert event.key == sample.key == sample.headers["ce_subject"]
    if version == event.version:
        again = json.loads(event.encode())
        assert {name: again[name] for name in sample.value} == sample.value


@pytest.mark.parametrize("event", every_event(), ids=lambda each: each.topic)
def test_the_newest_sample_fills_every_field(event):
    """So that the example in the contract shows them, and decoding is tried on each."""
    value = SAMPLES[event.topic, event.version].value
    assert set(value) == {"version", *event.model_fields} - {"event_id", "occurred_at"}
    assert None not in value.values()


def test_what_lacks_a_sample_is_told_what_to_do():
    samples = {("document.deleted", 1): Sample("", {}, {})}
    assert missing_samples(DocumentDeleted, samples) == []
    (told,) = missing_samples(SecondDeleted, samples)
    assert "docs/events/golden/document.deleted/v2.json is missing: write" in told


def test_what_lacks_an_upcaster_is_told_what_to_do():
    assert missing_upcasters(SecondDeleted) == []
    (told,) = missing_upcasters(Forgetful)
    assert "Forgetful.upcasters has no 1: add a function" in told


def test_an_old_version_is_lifted():
    event = a_deletion()
    lifted = SecondDeleted.decode(
        event.encode(), event_id=event.event_id, occurred_at=event.occurred_at
    )
    assert (lifted.why, lifted.document_id) == ("not known", event.document_id)


def test_a_value_without_a_version_is_the_first():
    body = {"document_id": str(uuid4()), "deleted_by": str(uuid4())}
    event = SecondDeleted.decode(json.dumps(body).encode(), event_id=uuid4(), occurred_at=NOW)
    assert event.why == "not known"


def test_a_newer_version_is_refused():
    with pytest.raises(UnknownVersion, match=r"DocumentDeleted v9 is newer than v1; upgrade"):
        DocumentDeleted.decode(b'{"version": 9}', event_id=uuid4(), occurred_at=NOW)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not a JSON object"),
        (b"\xff\xfe", "not a JSON object"),
        (b"[1]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"version": "new"}', "not a JSON object"),
        (b'{"version": null}', "not a JSON object"),
        (b'{"version": 1e999}', "not a JSON object"),
        (b"[" * 100_000 + b"]" * 100_000, "not a JSON object"),
        (b'{"a":' * 100_000, "not a JSON object"),
        (b'{"version": 0}', "no version is 0"),
        (b'{"version": -1}', "no version is -1"),
        (b"{}", "check document_id, deleted_by"),
        (b'{"document_id": 1, "deleted_by": "x"}', "check document_id, deleted_by"),
    ],
)
def test_what_does_not_fit_is_malformed_and_quotes_nothing(raw, why):
    with pytest.raises(Malformed, match=why) as caught:
        DocumentDeleted.decode(raw, event_id=uuid4(), occurred_at=NOW)
    assert str(caught.value).startswith("not a readable DocumentDeleted: ")


def test_unknown_fields_are_ignored():
    event = a_deletion()
    body = {**json.loads(event.encode()), "new": {"from": "the future"}}
    again = DocumentDeleted.decode(
        json.dumps(body).encode(), event_id=event.event_id, occurred_at=event.occurred_at
    )
    assert again == event


def test_the_value_is_compact_and_holds_no_attributes():
    event = AudioFailed(
        document_id=UUID(int=1), audio_id=UUID(int=2), page=3, code="c", reason="für immer"
    )
    assert event.encode().decode() == (
        '{"version":1,"document_id":"00000000-0000-0000-0000-000000000001",'
        '"audio_id":"00000000-0000-0000-0000-000000000002","page":3,"code":"c",'
        '"reason":"für immer"}'
    )


def test_events_are_frozen_and_each_has_its_own_id():
    event = a_deletion()
    with pytest.raises(ValidationError):
        event.deleted_by = uuid4()
    assert event.event_id != a_deletion().event_id
    assert event.occurred_at.tzinfo is UTC


def test_keys_and_streams():
    event = a_deletion()
    assert event.key == str(event.document_id)
    assert event.stream == f"document/{event.document_id}"
    page = PageSegmented.model_validate(SAMPLES["page.segmented", 1].value)
    assert page.stream == f"page/{page.document_id}/1"
    voices = VoicesAnnounced(engine="espeak", voices=(), default_voice="en")
    assert (voices.key, voices.stream) == ("espeak", "engine/espeak")
    task = TaskFailed(
        task_id=uuid4(), service="s", kind="k", code="c", reason="r", attempts=1, fingerprint="f"
    )
    assert (task.key, task.stream) == (str(task.task_id), f"task/{task.task_id}")


def test_topics_are_names_that_no_two_events_share():
    topics = [each.topic for each in every_event()]
    assert len(set(topics)) == len(topics) == len(event_by_topic())
    assert [each.topic for each in every_event() if each.public] == [
        "audio.ready",
        "audiobook.ready",
    ]
