from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.cloudevents import decode, headers, read_envelope, rfc3339, text_headers
from libs.common.contracts.documents import DocumentDeleted
from libs.common.errors import Malformed, UnknownVersion

EVENT_ID = UUID(int=7)
MOMENT = datetime(2026, 11, 20, 9, 30, 0, 125000, tzinfo=UTC)


def written(**changed):
    given = {
        "event_id": str(EVENT_ID),
        "topic": "document.deleted",
        "source": "/lectern/gateway",
        "occurred_at": rfc3339(MOMENT),
        "key": "a-document",
        "stream": "document/a-document",
        "version": 3,
        "traceparent": None,
    }
    return headers(**{**given, **changed})


def test_headers_are_those_of_the_binding_in_its_order():
    assert written(traceparent="00-a-b-01") == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"00000000-0000-0000-0000-000000000007"),
        ("ce_type", b"document.deleted"),
        ("ce_source", b"/lectern/gateway"),
        ("ce_time", b"2026-11-20T09:30:00.125000Z"),
        ("ce_subject", b"a-document"),
        ("ce_stream", b"document/a-document"),
        ("ce_streamversion", b"3"),
        ("content-type", b"application/json; charset=utf-8"),
        ("traceparent", b"00-a-b-01"),
    ]


def test_no_trace_no_header():
    assert "traceparent" not in dict(written())
    assert "traceparent" not in dict(written(traceparent=""))


def test_times_are_utc_with_microseconds():
    east = timezone(timedelta(hours=5, minutes=30))
    assert rfc3339(datetime(2026, 1, 1, 3, 0, tzinfo=east)) == "2025-12-31T21:30:00.000000Z"
    assert datetime.fromisoformat(rfc3339(MOMENT)) == MOMENT


def test_what_is_written_is_read():
    envelope = read_envelope(text_headers(written(traceparent="00-a-b-01")))
    assert (envelope.event_id, envelope.type) == (EVENT_ID, "document.deleted")
    assert (envelope.source, envelope.time) == ("/lectern/gateway", MOMENT)
    assert (envelope.subject, envelope.stream) == ("a-document", "document/a-document")
    assert envelope.traceparent == "00-a-b-01"
    assert read_envelope(text_headers(written())).traceparent is None


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion"])
def test_a_missing_attribute_is_named(name):
    found = text_headers(written())
    del found[name]
    with pytest.raises(Malformed, match=f"header {name} is missing"):
        read_envelope(found)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ce_id", "seven", "a ce_ header is unreadable"),
        ("ce_time", "yesterday", "a ce_ header is unreadable"),
        ("ce_time", "2026-11-20T09:30:00", "a ce_ header is unreadable"),
        ("ce_time", "0001-01-01T00:00:00+14:00", "a ce_ header is unreadable"),
        ("ce_time", "9999-12-31T23:59:59-14:00", "a ce_ header is unreadable"),
        ("ce_specversion", "0.3", "CloudEvents 0.3 is not known"),
    ],
)
def test_an_unreadable_attribute_is_malformed(name, value, why):
    with pytest.raises(Malformed, match=why):
        read_envelope({**text_headers(written()), name: value})


@pytest.mark.parametrize("name", ["ce_subject", "ce_stream"])
def test_an_attribute_that_is_not_required_may_be_missing(name):
    found = text_headers(written())
    del found[name]
    assert getattr(read_envelope(found), name.removeprefix("ce_")) is None


def test_no_headers_at_all():
    with pytest.raises(Malformed, match="not a readable event"):
        read_envelope({})


def test_text_headers_survive_any_bytes():
    raw = [("a", b"\xff"), ("b", None), ("c", "ü".encode())]
    assert text_headers(raw) == {"a": "\N{REPLACEMENT CHARACTER}", "c": "ü"}


def test_decode_returns_the_event_with_its_attributes():
    event = DocumentDeleted(
        event_id=EVENT_ID,
        occurred_at=MOMENT,
        document_id=uuid4(),
        owner_id=uuid4(),
        deleted_by=uuid4(),
    )
    assert decode(read_envelope(text_headers(written())), event.encode()) == event


@pytest.mark.parametrize(
    ("topic", "value", "error"),
    [
        ("document.lost", b"{}", Malformed),
        ("document.deleted", b"{}", Malformed),
        ("document.deleted", b"", Malformed),
        ("document.deleted", b'{"version": 2}', UnknownVersion),
    ],
)
def test_decode_refuses(topic, value, error):
    with pytest.raises(error):
        decode(read_envelope(text_headers(written(topic=topic))), value)
