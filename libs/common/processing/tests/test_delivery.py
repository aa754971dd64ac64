from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.errors import Malformed, UnknownVersion
from libs.common.processing.delivery import Unreadable, envelope_of, read_delivery
from libs.common.processing.routes import on
from libs.common.testing.records import record


async def handler(event):
    return [
        DocumentRejected(
            document_id=event.document_id, owner_id=event.owner_id, code="gone", details=None
        )
    ]


ROUTE = on(DocumentDeleted, handler)
ROUTES = {DocumentDeleted.topic: ROUTE}


def deleted(**changes):
    return DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4(), **changes)


async def test_a_record_is_read_as_its_event_with_its_route():
    event = deleted()
    delivery = read_delivery(record(event), ROUTES)
    assert delivery is not None
    assert (delivery.event, delivery.route) == (event, ROUTE)
    assert delivery.event_id == str(event.event_id)
    effects, _ = await delivery.decide()
    assert [type(effect) for effect in effects] == [DocumentRejected]


def test_an_event_that_nobody_routes_is_no_delivery():
    other = DocumentRejected(document_id=uuid4(), owner_id=uuid4(), code="c", details=None)
    assert read_delivery(record(other), ROUTES) is None


def test_an_event_that_nobody_routes_may_be_of_any_version():
    other = DocumentRejected(document_id=uuid4(), owner_id=uuid4(), code="c", details=None)
    assert read_delivery(record(other, value=b'{"version": 99}'), ROUTES) is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"value": None}, Malformed),
        ({"headers": [("ce_id", b"\xff\xfe")]}, Malformed),
        ({"value": b'{"version": 99}'}, UnknownVersion),
    ],
)
def test_what_is_no_event_is_refused(changes, error):
    with pytest.raises(error):
        read_delivery(record(deleted(), **changes), ROUTES)


@pytest.mark.parametrize(("ago_s", "lag_s"), [(60, 60), (-60, 0)])
def test_the_lag_is_the_time_since_the_event_and_never_negative(ago_s, lag_s):
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    delivery = read_delivery(record(deleted(occurred_at=at)), ROUTES)
    assert delivery is not None
    assert delivery.lag_s() == pytest.approx(lag_s, abs=5)


def test_the_headers_of_a_value_that_cannot_be_read_name_document_and_stream():
    event = deleted()
    envelope = envelope_of(record(event, value=b"not json"))
    assert envelope is not None
    assert Unreadable.of(envelope) == Unreadable(event.document_id, event.stream)


@pytest.mark.parametrize("headers", [[], [("ce_id", b"\xff")], [("ce_specversion", b"9")]])
def test_headers_that_are_not_those_of_an_event_say_nothing(headers):
    assert envelope_of(record(deleted(), headers=headers)) is None


@pytest.mark.parametrize(
    ("subject", "stream"),
    [
        (b"espeak", b"engine/ espeak"),
        (b"A title, by its author", b"A title, by its author"),
        (b"\xff", b"\xff"),
        (b"", b""),
        (None, None),
    ],
)
def test_what_headers_say_in_words_is_passed_over(subject, stream):
    changed = {"ce_subject": subject, "ce_stream": stream}
    made = record(deleted())
    headers = [(name, changed.get(name, value)) for name, value in made.headers]
    envelope = envelope_of(record(deleted(), headers=headers))
    assert envelope is not None
    assert Unreadable.of(envelope) == Unreadable(None, None)
