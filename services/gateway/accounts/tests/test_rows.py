from uuid import uuid4

import pytest

from libs.common.contracts.permissions import Scope
from services.gateway.accounts.rows import TokenRow, scopes_as_text, scopes_of

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
        token_id=uuid4(),
        name="laptop",
        owner_id=uuid4(),
        created_at=BEFORE,
        expires_at=expires_at,
        revoked_at=revoked_at,
        scopes=frozenset({Scope.READ}),
        last_used_at=None,
    )
    assert token.state(NOW) == state


def test_scopes_are_written_as_oauth_does_and_read_again():
    assert scopes_as_text(frozenset(Scope)) == "admin read share write"
    assert scopes_of("admin read share write") == frozenset(Scope)
    assert scopes_of(scopes_as_text(frozenset())) == frozenset()
    with pytest.raises(ValueError, match="everything"):
        scopes_of("read everything")
