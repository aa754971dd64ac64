"""Golden samples: one message of every version of every event, which must decode for ever."""

import hashlib
import json
from pathlib import Path

import pytest

from lectern.generate.asyncapi import Sample, read_samples
from lectern.generate.promises import DETAILS, EVERY_DETAILS
from libs.common.contracts import cloudevents
from libs.common.contracts.catalog import event_by_topic, every_event
from libs.common.contracts.details import Details
from libs.common.contracts.documents import DocumentDeleted

GOLDEN = Path(__file__).parents[2] / "docs" / "events" / "golden"
SAMPLES = read_samples(GOLDEN)
DETAILS_GOLDEN = GOLDEN.parents[2] / DETAILS / "golden"
EMPTY_FOR_A_REASON = {"SubmittedDocument": {"url"}, "SegmentedPage": {"omissions"}}
"""A document that came as a file, and a page of which everything is spoken."""

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
    """As if document.deleted had come to a second version; it has no topic of its own."""

    version = 2
    upcasters = {1: dict}  # noqa: RUF012


class Forgetful(DocumentDeleted):
    version = 3
    upcasters = {2: dict}  # noqa: RUF012


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.topic)
def test_every_version_has_a_golden_sample(event):
    assert not missing_samples(event, SAMPLES)


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.topic)
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
    assert event.stream == envelope.stream == sample.headers["ce_stream"]
    assert int(sample.headers["ce_streamversion"]) >= 1
    assert event.event_id.version == 7
    assert event.event_id.int >> 80 == int(event.occurred_at.timestamp() * 1000)
    if version == event.version:
        again = json.loads(event.encode())
        assert {name: again[name] for name in sample.value} == sample.value


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.topic)
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


def test_every_event_has_a_class_that_its_golden_sample_names():
    assert {topic for topic, _ in SAMPLES} == set(event_by_topic())


def details_sample(kind: type[Details], version: int | None = None) -> Details:
    """Of a version, the current one unless another is named."""
    path = DETAILS_GOLDEN / kind.__name__ / f"v{version or kind.version}.json"
    return kind.read(path.read_bytes())


@pytest.mark.parametrize("kind", EVERY_DETAILS, ids=lambda kind: kind.__name__)
def test_every_golden_sample_of_details_decodes_for_ever(kind):
    versions = range(1, kind.version + 1)
    assert set(kind.upcasters) == set(versions[:-1])
    assert {path.name for path in (DETAILS_GOLDEN / kind.__name__).iterdir()} == {
        f"v{version}.json" for version in versions
    }
    for version in versions:
        assert isinstance(details_sample(kind, version), kind)


@pytest.mark.parametrize("kind", EVERY_DETAILS, ids=lambda kind: kind.__name__)
def test_the_newest_sample_of_details_fills_every_field(kind):
    path = DETAILS_GOLDEN / kind.__name__ / f"v{kind.version}.json"
    written = json.loads(path.read_text())
    assert json.loads(details_sample(kind).encode()) == written
    assert set(written) == {"version", *kind.model_fields}
    empty = {name for name, value in written.items() if value in (None, [], "")}
    assert empty == EMPTY_FOR_A_REASON.get(kind.__name__, set())


def test_there_is_no_golden_sample_of_other_details():
    assert {path.name for path in DETAILS_GOLDEN.iterdir()} == {
        kind.__name__ for kind in EVERY_DETAILS
    }


@pytest.mark.parametrize(
    ("topic", "field", "kind"),
    [
        ("document.submitted", "details", "SubmittedDocument"),
        ("document.renamed", "details", "DocumentTitle"),
        ("document.retried", "details", "SubmittedDocument"),
        ("document.parsed", "details", "ParsedDocument"),
        ("document.rejected", "details", "FailureDetails"),
        ("page.extracted", "text", "PageText"),
        ("page.added", "text", "PageText"),
        ("page.segmented", "segmented_page", "SegmentedPage"),
        ("audio.requested", "segmented_page", "SegmentedPage"),
        ("audio.ready", "timings", "Timings"),
        ("audiobook.requested", "details", "AudiobookContents"),
        ("audiobook.ready", "details", "AudiobookContents"),
        ("user.registered", "details", "UserDetails"),
        ("user.address_changed", "details", "UserDetails"),
        ("account.mail_requested", "details", "MailDetails"),
    ],
)
def test_golden_events_refer_to_golden_details(topic, field, kind):
    """Digest and size are those of the object as it is stored, so that readers can try theirs."""
    (sample,) = [details_sample(one) for one in EVERY_DETAILS if one.__name__ == kind]
    ref = SAMPLES[topic, 1].value[field]
    stored = sample.encode()
    assert (ref["sha256"], ref["size"]) == (hashlib.sha256(stored).hexdigest(), len(stored))
    assert ref["media_type"] == "application/json"


def test_no_golden_event_says_what_golden_details_say():
    events = " ".join(sample.raw.decode() for sample in SAMPLES.values())
    for kind in EVERY_DETAILS:
        for text in texts_in(json.loads(details_sample(kind).encode())):
            assert text not in events


WRITTEN = {"nonce", "title", "author", "markdown", "reason", "filename", "text"}
WRITTEN |= {"address", "about_address"}


def texts_in(value):
    """Whatever somebody wrote, and the nonce: strings of more than a word or a reference."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in WRITTEN:
                yield inner
            elif name not in {"object", "cover"}:
                yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)
