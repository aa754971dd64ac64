from uuid import uuid4

import pytest

from services.gateway.accounts.rows import TokenRow

NOW = "2026-11-27T12:00:00.000000Z"
BEFORE, AFTER = "2026-11-27T11:59:59.000000Z", "2026-11-27T12:00:01.000000Z"


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "state"),
    [
        (None, None, "valid"),
        (AFTER, None, "valid"),
        (NOW, None, "expired"),
        (BEFORE, None, "expired"),
        (BEFORE, BEFORE, "revoked"),
    ],
)
def test_a_token_is_valid_until_it_expires_or_is_revoked(expires_at, revoked_at, state):
    token = TokenRow(
        name="laptop",
        owner_id=uuid4(),
        created_at=BEFORE,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
    assert token.state(NOW) == state
