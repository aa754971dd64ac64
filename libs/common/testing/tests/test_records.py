from uuid import uuid4

from libs.common.contracts.cloudevents import decode, read_envelope, text_headers
from libs.common.contracts.documents import DocumentDeleted
from libs.common.testing.records import record


def test_a_record_is_read_back_as_the_event():
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    made = record(event, offset=3)
    envelope = read_envelope(text_headers(made.headers))
    assert decode(envelope, made.value or b"") == event
    assert (made.topic, made.key, made.offset) == (event.topic, event.key.encode(), 3)


def test_its_fields_can_be_others():
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    assert record(event, value=b"not json").value == b"not json"
