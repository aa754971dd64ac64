from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.sharing import ShareChanged, ShareClaimed, ShareEnded, ShareGranted

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
