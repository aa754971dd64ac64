from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.accounts import AccountMailRequested, UserDeleted, UserDisabled
from libs.common.contracts.base import ObjectRef

REF = ObjectRef(key="mails/x/y.json", sha256="0" * 64, size=1, media_type="application/json")


def test_all_that_happens_to_a_user_is_one_stream_under_one_key():
    user = uuid4()
    told = [
        UserDisabled(user_id=user, disabled_by=None),
        UserDeleted(user_id=user, deleted_by=user),
    ]
    assert {event.key for event in told} == {str(user)}
    assert {event.stream for event in told} == {f"user/{user}"}


def test_a_mail_is_named_by_its_id_and_of_a_known_kind():
    mail, until = uuid4(), datetime(2026, 11, 30, tzinfo=UTC)
    given = {"mail_id": mail, "valid_until": until, "details": REF}
    asked = AccountMailRequested(**given, kind="verify_address")
    assert (asked.key, asked.stream) == (str(mail), f"mail/{mail}")
    assert AccountMailRequested.read(asked.encode()).valid_until == until
    with pytest.raises(ValidationError, match="kind"):
        AccountMailRequested(**given, kind="advertisement")
