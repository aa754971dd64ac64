"""Tokens by themselves; attacks on whole logins are in routing/tests/test_provider_pages.py."""

from functools import partial
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey, OKPKey, RSAKey

from services.gateway.accounts.identities.id_tokens import (
    ALGORITHMS,
    ExpectedToken,
    UnknownKey,
    signing_keys,
    verified_claims,
)
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.accounts.tests.provider_sites import (
    ec_key,
    rsa_key,
    signed_by_secret,
    unsigned,
)

NOW = 1_800_000_000
ISSUER, CLIENT = "https://site.example", "client"
EXPECTED = ExpectedToken(issuer=ISSUER, client_id=CLIENT, nonce="n", access_token="at", now=NOW)
CLAIMS = {
    "iss": ISSUER, "sub": "7", "aud": CLIENT, "iat": NOW, "exp": NOW + 300, "nonce": "n"
}  # fmt: skip


def shown(*keys, **more):
    return signing_keys({"keys": [key.as_dict(private=False) | more for key in keys]})


def token(key, algorithm="RS256", kid="first", **changed):
    claims = {name: value for name, value in (CLAIMS | changed).items() if value is not None}
    header = {"alg": algorithm} | ({} if kid is None else {"kid": kid})
    return jwt.encode(header, claims, key, algorithms=[algorithm])


RSA = rsa_key("first")
verify = partial(verified_claims, keys=shown(RSA), expected=EXPECTED)


@pytest.mark.parametrize("algorithm", [one for one in ALGORITHMS if not one.startswith("ES")])
def test_every_algorithm_with_rsa_is_accepted(algorithm):
    assert verify(token(RSA, algorithm))["sub"] == "7"


def test_keys_are_found_by_their_name_or_by_being_alone():
    ec = ec_key("e")
    keys = shown(RSA, ec)
    assert verified_claims(token(ec, "ES256", "e"), keys, EXPECTED)["sub"] == "7"
    assert verified_claims(token(ec, "ES256", None), keys, EXPECTED)["sub"] == "7"
    both = shown(RSA, rsa_key("second"))
    assert verified_claims(token(RSA), both, EXPECTED)["sub"] == "7"
    with pytest.raises(BadAnswer):
        verified_claims(token(RSA, kid=None), both, EXPECTED)
    with pytest.raises(UnknownKey):
        verify(token(RSA, kid="third"))
    with pytest.raises(UnknownKey):
        verified_claims(token(RSA, kid="e"), keys, EXPECTED)


@pytest.mark.parametrize(
    "changed",
    [
        {"iat": NOW + 59},
        {"iat": NOW - 599},
        {"exp": NOW - 59},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "other"], "azp": CLIENT},
        {"sub": "x" * 255},
        {"nbf": NOW + 30},
    ],
)
def test_clocks_may_differ_a_little(changed):
    assert verify(token(RSA, **changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"iat": NOW + 120},
        {"iat": NOW - 601},
        {"iat": "now"},
        {"exp": NOW - 61},
        {"nbf": NOW + 120},
        {"aud": []},
        {"aud": {}},
        {"aud": ["other"]},
        {"aud": "other", "azp": CLIENT},
        {"aud": ["other", "others"], "azp": CLIENT},
        {"aud": [CLIENT, "other"]},
        {"azp": "other"},
        {"iss": [ISSUER]},
        {"nonce": ["n"]},
        {"nonce": ""},
        {"sub": "a\x00b"},
    ],
)
def test_anything_else_is_refused(changed):
    with pytest.raises(BadAnswer):
        verify(token(RSA, **changed))


@pytest.mark.parametrize("sign", [unsigned, signed_by_secret(b"s"), signed_by_secret(b"")])
def test_nothing_is_signed_without_a_key_of_the_provider(sign):
    with pytest.raises(BadAnswer):
        verify(sign(CLAIMS, {"kid": "first"}))


def test_what_is_no_token_is_refused():
    good = token(RSA)
    for bad in (None, 7, "", "a.b.c", "ä", good + "x", good[:-4], good.replace(".", "..")):
        with pytest.raises(BadAnswer):
            verify(bad)


def test_keys_that_may_not_sign_are_passed_over():
    with pytest.warns(SecurityWarning):
        small = RSAKey.generate_key(1024, {"kid": "small"})
    secret = OctKey.generate_key(256, {"kid": "secret"})
    assert shown(small, OKPKey.generate_key("Ed25519")) == []
    said = small.as_dict(private=False)
    longer = said | {"n": "AAAA" * 100 + str(said["n"])}
    assert signing_keys({"keys": [longer]}) == []
    assert shown(RSA, use="enc") == []
    assert signing_keys({"keys": [secret.as_dict(private=True), {"kty": "RSA"}, 7]}) == []
    assert [one.key_id for one in shown(RSA, ec_key("e"))] == ["first", "e"]
    with pytest.raises(UnknownKey):
        verified_claims(token(RSA), shown(RSA, alg="RS512"), EXPECTED)
    not_sets: tuple[Any, ...] = (None, [], {}, {"keys": {}})
    for bad in not_sets:
        with pytest.raises(BadAnswer):
            signing_keys(bad)
