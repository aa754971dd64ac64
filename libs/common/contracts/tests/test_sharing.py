from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.sharing import (
    ListenLinkEnded,
    ListenLinkMade,
    ShareChanged,
    ShareClaimed,
    ShareEnded,
    ShareGranted,
    ShareMailRequested,
)

DOCUMENT, OWNER, SHARE, BEA = (uuid4() for _ in range(4))
ABOUT = {"document_id": DOCUMENT, "owner_id": OWNER, "share_id": SHARE}
DETAILS = ObjectRef(
    key=f"documents/{DOCUMENT}/shares/{SHARE}.json",
    sha256="0" * 64,
    size=1,
    media_type="application/json",
)
GRANTED = ShareGranted(
    **ABOUT, granted_by=OWNER, recipient_id=BEA, level="view_only", expires_at=None, details=DETAILS
)
CHANGED = ShareChanged(
    **ABOUT, changed_by=OWNER, level="can_share", expires_at=datetime(2027, 1, 1, tzinfo=UTC)
)


@pytest.mark.parametrize(
    "event",
    [
        GRANTED,
        ShareClaimed(**ABOUT, recipient_id=BEA),
        CHANGED,
        ShareEnded(**ABOUT, reason="left", ended_by=BEA),
    ],
    ids=lambda event: event.topic,
)
def test_all_shares_of_a_document_are_one_stream(event):
    assert event.stream == f"sharing/{DOCUMENT}"
    assert event.key == str(DOCUMENT)
    assert type(event).read(event.encode()).model_dump() == event.model_dump()


@pytest.mark.parametrize(
    ("event", "wrong"),
    [(GRANTED, {"level": "owner"}), (CHANGED, {"expires_at": "tomorrow"})],
)
def test_what_makes_no_sense_is_refused(event, wrong):
    with pytest.raises(ValidationError):
        type(event).model_validate(event.model_dump() | wrong)


@pytest.mark.parametrize(
    "event",
    [
        ListenLinkMade(
            document_id=DOCUMENT,
            owner_id=OWNER,
            link_id=SHARE,
            made_by=OWNER,
            expires_at=datetime(2027, 1, 1, tzinfo=UTC),
        ),
        ListenLinkEnded(
            document_id=DOCUMENT, owner_id=OWNER, link_id=SHARE, reason="expired", ended_by=OWNER
        ),
    ],
    ids=lambda event: event.topic,
)
def test_all_links_of_a_document_are_another_stream(event):
    assert event.stream == f"links/{DOCUMENT}"
    assert event.key == str(DOCUMENT)
    assert type(event).read(event.encode()).model_dump() == event.model_dump()


def test_a_mail_is_a_stream_of_its_own():
    asked = ShareMailRequested(
        mail_id=SHARE, valid_until=datetime(2027, 1, 1, tzinfo=UTC), details=DETAILS
    )
    assert (asked.key, asked.stream) == (str(SHARE), f"mail/{SHARE}")
