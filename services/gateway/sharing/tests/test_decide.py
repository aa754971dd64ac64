from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import Role, ShareLevel
from libs.common.errors import Rejected
from services.gateway.kernel.errors import Forbidden, NotFound, QuotaExceeded
from services.gateway.sharing import decide
from services.gateway.sharing.decide import SharedDocument, WantedShare
from services.gateway.sharing.rows import ShareRow

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)
DOCUMENT, OWNER, ADA, BEA, CAL, STRANGER = (UUID(int=number) for number in range(1, 7))
VIEW, COLLABORATE, SHARE = ShareLevel
DETAILS = ObjectRef(key="documents/1/s", sha256="0" * 64, size=1, media_type="application/json")


def share(recipient, level, *, granted_by=OWNER, expires_at=None, **more):
    row = ShareRow(
        share_id=uuid4(),
        document_id=DOCUMENT,
        granted_by=granted_by,
        granted_to=recipient,
        granted_level=level,
        granted_expires_at=expires_at and rfc3339(expires_at),
        granted_at=rfc3339(BEFORE),
        claimed_by=None,
        changed_level=None,
        changed_expires_at=None,
        changed_at=None,
        ended_at=None,
        address="x@example.org",
        message=None,
    )
    return replace(row, **more)


def shared(*shares, folded=()):
    return SharedDocument(
        document_id=DOCUMENT, owner_id=OWNER, shares=shares, folded=frozenset(folded), now=NOW
    )


def wanted(level=VIEW, *, recipient_id=BEA, expires_at=None, folded="bea@example.org"):
    return WantedShare(
        share_id=uuid4(),
        address=folded,
        folded=folded,
        recipient_id=recipient_id,
        level=level,
        expires_at=expires_at,
    )


def test_what_somebody_is_to_a_document():
    document = shared(
        share(ADA, VIEW),
        share(ADA, SHARE, expires_at=AFTER),
        share(BEA, SHARE, expires_at=BEFORE),
        share(None, SHARE),
        share(CAL, VIEW, changed_level=COLLABORATE, changed_at=rfc3339(BEFORE)),
    )
    roles = [document.role(user) for user in (OWNER, ADA, BEA, CAL, STRANGER)]
    assert roles == [Role.OWNER, Role.CAN_SHARE, Role.STRANGER, Role.COLLABORATOR, Role.STRANGER]


def test_a_share_is_granted():
    asked = wanted(COLLABORATE, expires_at=AFTER)
    event = shared().grant(OWNER, asked, DETAILS)
    assert (event.share_id, event.granted_by, event.recipient_id) == (asked.share_id, OWNER, BEA)
    assert (event.level, event.expires_at) == (COLLABORATE, AFTER)


@pytest.mark.parametrize(
    ("caller", "error"), [(STRANGER, NotFound), (CAL, Forbidden), (BEA, Forbidden)]
)
def test_who_may_not_share_grants_nothing(caller, error):
    with pytest.raises(error):
        shared(share(CAL, VIEW), share(BEA, COLLABORATE)).grant(caller, wanted(), DETAILS)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (wanted(recipient_id=OWNER), "owns_it"),
        (wanted(expires_at=NOW), "in_the_past"),
        (wanted(folded="cal@example.org"), "already_shared"),
    ],
)
def test_what_makes_no_sense_is_refused(asked, code):
    with pytest.raises(Rejected) as refused:
        shared(folded=["cal@example.org"]).grant(OWNER, asked, DETAILS)
    assert refused.value.code == code


def test_nobody_shares_with_themselves():
    """A second share of one's own would stay when the first one is revoked or lowered."""
    with pytest.raises(Rejected) as refused:
        shared(share(ADA, SHARE)).grant(ADA, wanted(recipient_id=ADA), DETAILS)
    assert refused.value.code == "already_shared"


def test_nobody_but_the_owner_learns_which_addresses_are_the_owners():
    event = shared(share(ADA, SHARE)).grant(ADA, wanted(recipient_id=OWNER), DETAILS)
    assert event.recipient_id is None, "an invitation, as to any address"


def test_a_document_has_so_many_shares(monkeypatch):
    monkeypatch.setattr(decide, "MOST_SHARES", 2)
    with pytest.raises(QuotaExceeded, match="2 shares at most"):
        shared(share(ADA, VIEW), share(CAL, VIEW)).grant(OWNER, wanted(), DETAILS)


def test_nobody_overwrites_the_share_of_another():
    document = shared(share(ADA, SHARE), share(BEA, VIEW), folded=["bea@example.org"])
    with pytest.raises(Rejected) as refused:
        document.grant(ADA, wanted(SHARE), DETAILS)
    assert refused.value.code == "already_shared"


def test_a_share_does_not_outlive_what_lets_somebody_grant_it():
    document = shared(share(ADA, SHARE, expires_at=AFTER))
    sooner = NOW + timedelta(hours=1)
    for end, becomes in ((None, AFTER), (AFTER, AFTER), (sooner, sooner)):
        assert document.grant(ADA, wanted(expires_at=end), DETAILS).expires_at == becomes
    with pytest.raises(Rejected) as refused:
        document.grant(ADA, wanted(expires_at=AFTER + timedelta(seconds=1)), DETAILS)
    assert refused.value.code == "too_late"
    for_ever = shared(share(ADA, SHARE, expires_at=AFTER), share(ADA, SHARE))
    assert for_ever.grant(ADA, wanted(), DETAILS).expires_at is None


def test_shares_are_changed_by_the_owner_and_by_who_granted_them():
    by_owner, by_ada = share(BEA, VIEW), share(CAL, VIEW, granted_by=ADA)
    document = shared(share(ADA, SHARE), by_owner, by_ada)
    for caller, one in ((OWNER, by_owner), (OWNER, by_ada), (ADA, by_ada)):
        event = document.change(caller, one.share_id, COLLABORATE, AFTER)
        assert (event.share_id, event.changed_by) == (one.share_id, caller)
        assert (event.level, event.expires_at) == (COLLABORATE, AFTER)
        assert document.revoke(caller, one.share_id).reason == "revoked"
    with pytest.raises(Forbidden):
        document.change(ADA, by_owner.share_id, COLLABORATE, None)
    for caller, share_id, error in (
        (ADA, by_owner.share_id, Forbidden),
        (BEA, by_owner.share_id, Forbidden),
        (STRANGER, by_owner.share_id, NotFound),
        (OWNER, uuid4(), NotFound),
    ):
        with pytest.raises(error):
            document.revoke(caller, share_id)


@pytest.mark.parametrize(
    "mine", [share(ADA, SHARE, expires_at=BEFORE), share(ADA, COLLABORATE)], ids=["over", "less"]
)
def test_who_may_share_no_more_changes_nothing_any_more(mine):
    granted = share(CAL, VIEW, granted_by=ADA)
    document = shared(mine, granted)
    with pytest.raises((Forbidden, NotFound)):
        document.change(ADA, granted.share_id, SHARE, None)
    with pytest.raises((Forbidden, NotFound)):
        document.revoke(ADA, granted.share_id)


def test_who_got_a_document_may_leave_it():
    document = shared(share(ADA, VIEW), share(ADA, SHARE), share(BEA, VIEW))
    events = document.leave(ADA)
    assert [event.share_id for event in events] == [one.share_id for one in document.shares[:2]]
    assert {(event.reason, event.ended_by) for event in events} == {("left", ADA)}
    for nobody in (OWNER, STRANGER):
        with pytest.raises(NotFound):
            document.leave(nobody)
