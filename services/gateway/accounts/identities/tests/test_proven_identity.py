import pytest

from services.gateway.accounts.identities.proven_identity import ProvenIdentity, verified_address


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({"email": "a@b.example", "email_verified": True}, "a@b.example"),
        ({"email": " a@b.example ", "email_verified": "true"}, "a@b.example"),
        ({"email": "a@b.example", "email_verified": False}, None),
        ({"email": "a@b.example", "email_verified": "True"}, None),
        ({"email": "a@b.example", "email_verified": 1}, None),
        ({"email": "a@b.example"}, None),
        ({"email_verified": True}, None),
        ({"email": ["a@b.example"], "email_verified": True}, None),
        ({"email": "a@b@c.example, d", "email_verified": True}, None),
        ({"email": "nobody", "email_verified": True}, None),
        ({"email": "a@b.example\r\nBcc: c@d.example", "email_verified": True}, None),
    ],
)
def test_only_what_is_verified_and_is_an_address_counts(said, address):
    assert verified_address(said) == address


def test_it_is_not_shown_in_logs():
    shown = repr(ProvenIdentity(issuer="https://x.example", subject="s7", address="a@b.example"))
    assert "s7" not in shown
    assert "a@b" not in shown
