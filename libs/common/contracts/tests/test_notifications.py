from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.notifications import NotificationFailed, NotificationSent

GIVEN = {
    "notification_id": uuid4(),
    "owner_id": None,
    "about_event": uuid4(),
    "about_type": "task.failed",
}


def test_a_notification_is_keyed_by_its_document_where_there_is_one():
    document_id = uuid4()
    of_document = NotificationSent(document_id=document_id, channel="mail", **GIVEN)
    assert of_document.key == str(document_id)
    of_none = NotificationSent(document_id=None, channel="mail", **GIVEN)
    assert of_none.key == str(GIVEN["notification_id"])


def test_what_was_sent_and_what_failed_share_a_stream():
    sent = NotificationSent(document_id=None, channel="mail", **GIVEN)
    failed = NotificationFailed(document_id=None, channel="mail", code="c", **GIVEN)
    assert sent.stream == failed.stream == f"notification/{GIVEN['notification_id']}"


def test_a_channel_is_a_name_and_no_address():
    with pytest.raises(ValidationError, match="channel"):
        NotificationSent.model_validate({**GIVEN, "document_id": None, "channel": "a@b.example"})
