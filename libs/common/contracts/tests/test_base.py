import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.audio import AudioFailed, VoiceInfo, VoicesAnnounced
from libs.common.contracts.base import FOREVER, Event, ObjectRef
from libs.common.contracts.documents import DocumentDeleted, PageExtracted
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Malformed, UnknownVersion

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


class SecondDeleted(DocumentDeleted):
    """As if document.deleted had come to a second version; it has no topic of its own."""

    version = 2
    upcasters = {1: lambda body: {**body, "why": "not known"}}  # noqa: RUF012

    why: str


def a_deletion(**more):
    return DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4(), **more)


def test_an_old_version_is_lifted():
    event = a_deletion()
    lifted = SecondDeleted.decode(
        event.encode(), event_id=event.event_id, occurred_at=event.occurred_at
    )
    assert (lifted.why, lifted.document_id) == ("not known", event.document_id)


def test_a_value_without_a_version_is_the_first():
    body = {name: str(uuid4()) for name in ("document_id", "owner_id", "deleted_by")}
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
        (b'{"version": "new"}', "its version is no whole number"),
        (b'{"version": "1"}', "its version is no whole number"),
        (b'{"version": null}', "its version is no whole number"),
        (b'{"version": true}', "its version is no whole number"),
        (b'{"version": 1.0}', "its version is no whole number"),
        (b'{"version": 1e999}', "its version is no whole number"),
        (b"[" * 100_000 + b"]" * 100_000, "not a JSON object"),
        (b'{"a":' * 100_000, "not a JSON object"),
        (b'{"version": 0}', "no version is 0"),
        (b'{"version": -1}', "no version is -1"),
        (b"{}", "check document_id, owner_id, deleted_by"),
        (b'{"document_id": 1, "deleted_by": "x"}', "check document_id, owner_id, deleted_by"),
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
        document_id=UUID(int=1),
        owner_id=UUID(int=2),
        audio_id=UUID(int=3),
        requested_by=UUID(int=4),
        page=3,
        code="c",
        details=None,
    )
    assert event.encode().decode() == (
        '{"version":1,"document_id":"00000000-0000-0000-0000-000000000001",'
        '"owner_id":"00000000-0000-0000-0000-000000000002",'
        '"audio_id":"00000000-0000-0000-0000-000000000003",'
        '"requested_by":"00000000-0000-0000-0000-000000000004",'
        '"page":3,"code":"c","details":null}'
    )


def test_the_value_is_utf_8_and_not_escaped():
    voice = VoiceInfo(id="de", name="Jürgen", language="de", gender=None)
    event = VoicesAnnounced(
        engine="espeak", voices=(voice,), default_voice="de", is_default_engine=False
    )
    assert "Jürgen".encode() in event.encode()


def test_events_are_frozen_and_each_has_its_own_id():
    event = a_deletion()
    with pytest.raises(ValidationError):
        event.deleted_by = uuid4()
    assert event.event_id != a_deletion().event_id
    assert event.event_id.version == 7
    assert event.occurred_at.tzinfo is UTC


def test_an_old_version_goes_through_every_step():
    class ThirdDeleted(SecondDeleted):
        version = 3
        upcasters = {  # noqa: RUF012
            **SecondDeleted.upcasters,
            2: lambda body: {**body, "why": body["why"].upper()},
        }

    event = a_deletion()
    lifted = ThirdDeleted.decode(event.encode(), event_id=event.event_id, occurred_at=NOW)
    assert lifted.why == "NOT KNOWN"


def test_the_first_field_that_is_set_is_the_key():
    unknown = dict.fromkeys(("owner_id", "requested_by", "about_stream", "page", "details"))
    given = {"service": "s", "kind": "k", "code": "c", "fingerprint": "f" * 16, "attempts": 1}
    given |= unknown
    of_none = TaskFailed(task_id=uuid4(), document_id=None, **given)
    assert (of_none.key, of_none.stream) == (str(of_none.task_id), f"task/{of_none.task_id}")
    of_one = TaskFailed(task_id=uuid4(), document_id=uuid4(), **given)
    assert (of_one.key, of_one.stream) == (str(of_one.document_id), f"task/{of_one.task_id}")


def test_streams_are_named_without_an_event_too():
    event = a_deletion()
    assert event.key == str(event.document_id)
    assert event.stream == f"document/{event.document_id}"
    assert DocumentDeleted.stream_of(document_id=event.document_id) == event.stream
    voices = VoicesAnnounced(
        engine="espeak", voices=(), default_voice="en", is_default_engine=False
    )
    assert (voices.key, voices.stream) == ("espeak", "engine/espeak")


def test_a_stream_without_what_names_it_is_an_error_that_says_so():
    with pytest.raises(
        TypeError, match=r"of AudioFailed are named audio/\{audio_id\}: audio_id is"
    ):
        AudioFailed.stream_of(document_id=uuid4())


def test_events_are_kept_for_ever_unless_they_say_otherwise():
    assert (Event.retention_ms, Event.version, Event.public) == (FOREVER, 1, False)


@pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, "A" * 64, "0" * 65])
def test_a_digest_is_64_hexadecimal_digits(digest):
    with pytest.raises(ValidationError):
        ObjectRef(key="a", sha256=digest, size=1, media_type="application/octet-stream")


@pytest.mark.parametrize("key", ["", "a b", "documents/1/My Title.pdf", "ü", "x" * 513, "a\nb"])
def test_a_key_says_nothing_in_words(key):
    with pytest.raises(ValidationError):
        ObjectRef(key=key, sha256="0" * 64, size=1, media_type="application/octet-stream")


def test_pages_count_from_1():
    text = ObjectRef(key="a", sha256="0" * 64, size=0, media_type="application/octet-stream")
    with pytest.raises(ValidationError):
        PageExtracted(
            document_id=uuid4(),
            owner_id=uuid4(),
            page=0,
            text=text,
            markdown_characters=1,
            language="und",
        )
