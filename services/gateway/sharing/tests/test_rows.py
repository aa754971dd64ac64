from datetime import UTC, datetime, timedelta

import pytest

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import ShareLevel
from services.gateway.sharing.rows import best
from services.gateway.sharing.tests.test_decide import ADA, AFTER, BEFORE, NOW, share

VIEW, COLLABORATE, SHARE = ShareLevel
NOW_TEXT = rfc3339(NOW)


@pytest.mark.parametrize(
    ("granted", "changed", "active"),
    [
        (None, {}, True),
        (AFTER, {}, True),
        (BEFORE, {}, False),
        (NOW, {}, False),
        (BEFORE, {"changed_at": rfc3339(BEFORE), "changed_expires_at": None}, True),
        (None, {"changed_at": rfc3339(BEFORE), "changed_expires_at": rfc3339(BEFORE)}, False),
        (None, {"ended_at": rfc3339(BEFORE)}, False),
    ],
)
def test_a_share_grants_something_until_it_ends(granted, changed, active):
    assert share(ADA, VIEW, expires_at=granted, **changed).is_active(NOW_TEXT) is active


def test_the_last_change_counts():
    row = share(ADA, SHARE, changed_level=VIEW, changed_at=rfc3339(NOW))
    assert row.level is VIEW
    assert share(None, VIEW, claimed_by=ADA).recipient == ADA


def test_of_several_shares_the_best_one_counts():
    assert best([], NOW_TEXT) is None
    over = share(ADA, SHARE, expires_at=datetime.now(UTC) - timedelta(days=999))
    assert best([share(ADA, VIEW), share(ADA, COLLABORATE), over], NOW_TEXT) is COLLABORATE
