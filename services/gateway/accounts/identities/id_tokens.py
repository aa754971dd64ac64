"""ID tokens: who signed them, for whom, when, and for which login (OpenID Connect Core, 3.1.3.7).

The signature is checked by joserfc, with keys of the provider alone: no algorithm without one, and
none whose key is a secret that both sides have. The claims are checked by Authlib, and some here.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from authlib.oidc.core.claims import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from services.gateway.accounts.identities.proven_identity import MOST_SUBJECT_CHARACTERS
from services.gateway.accounts.identities.refusals import BadAnswer

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
LEAST_RSA_BITS = 2048
"""Of a key (RFC 7518, section 3.3)."""
LEEWAY = timedelta(minutes=1)
"""Between the clocks."""
LONGEST_AGO = timedelta(minutes=10)
"""Since it was signed: it comes straight from the provider, for the code of a moment ago."""
FOREIGN_FAULTS = (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What the libraries raise where the other side sends what it must not."""

Key = RSAKey | ECKey


class UnknownKey(BadAnswer):
    """It was signed with a key that is not among those that are known; there may be new ones."""


@dataclass(frozen=True, kw_only=True)
class ExpectedToken:
    """What an ID token has to say; ``now`` is a moment in seconds since 1970."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    now: int


@dataclass(frozen=True)
class SigningKey:
    """A key of a provider, and what it says of it; ``algorithm`` None: any of its kind."""

    key_id: str | None
    algorithm: str | None
    key: Key


def signing_keys(document: Any) -> Sequence[SigningKey]:
    """Return the keys of a JWK Set that may sign; others are passed over (RFC 7517, section 5).

    Raises:
        BadAnswer: It is no such set.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise BadAnswer("its keys are no JWK Set")
    return [found for key in keys if (found := _signing_key(key)) is not None]


def verified_claims(
    token: Any, keys: Sequence[SigningKey], expected: ExpectedToken
) -> Mapping[str, Any]:
    """Return the claims of an ID token that is what it must be.

    Raises:
        UnknownKey: It names a key that is not there.
        BadAnswer: It is something else.
    """
    if not isinstance(token, str) or not token.isascii():
        raise BadAnswer("it gives no ID token")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except FOREIGN_FAULTS:
        raise BadAnswer("its ID token is none") from None
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise BadAnswer("its ID token is signed in a way that is not accepted")
    key = _key(keys, header.get("kid"), algorithm)
    try:
        decoded = jwt.decode(token, key, algorithms=[algorithm])
        _check(decoded.claims, decoded.header, expected)
    except FOREIGN_FAULTS:
        raise BadAnswer("its ID token is not valid") from None
    return decoded.claims


def _check(claims: dict[str, Any], header: Mapping[str, Any], expected: ExpectedToken) -> None:
    """Return if claims are as they must be.

    Raises:
        ValueError, JoseError: They are not.
    """
    leeway_s = int(LEEWAY.total_seconds())
    checked = CodeIDToken(
        claims,
        header,
        {
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client_id},
        },
        {
            "nonce": expected.nonce,
            "client_id": expected.client_id,
            "access_token": expected.access_token,
        },
    )
    checked.validate(now=expected.now, leeway=leeway_s)
    if claims["iss"] != expected.issuer or claims.get("nonce") != expected.nonce:
        raise ValueError("of another issuer, or for another login")
    if expected.now - claims["iat"] > LONGEST_AGO.total_seconds():
        raise ValueError("signed long ago")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT_CHARACTERS:
        raise ValueError("no subject")
    if "\x00" in subject:
        raise ValueError("no subject")


def _key(keys: Sequence[SigningKey], key_id: Any, algorithm: str) -> Key:
    """Return the key that a token names; who has but one of its kind need not name it."""
    fitting = [
        one
        for one in keys
        if one.key.key_type == KINDS[algorithm[:2]] and one.algorithm in {None, algorithm}
    ]
    if key_id is not None:
        fitting = [one for one in fitting if one.key_id == key_id]
    if not fitting:
        raise UnknownKey("its ID token is signed with a key that it does not show")
    if len(fitting) > 1:
        raise BadAnswer("its ID token does not say with which key it is signed")
    return fitting[0].key


def _signing_key(given: Any) -> SigningKey | None:
    if not isinstance(given, dict) or given.get("use", "sig") != "sig":
        return None
    try:
        key = _key_of(given)
        if key is None:
            return None
    except FOREIGN_FAULTS:
        return None
    key_id, algorithm = given.get("kid"), given.get("alg")
    return SigningKey(
        key_id if isinstance(key_id, str) else None,
        algorithm if isinstance(algorithm, str) else None,
        key,
    )


def _key_of(given: dict[str, Any]) -> Key | None:
    match given.get("kty"):
        case "RSA" if _bits(given["n"]) >= LEAST_RSA_BITS:
            return RSAKey.import_key(given)
        case "EC":
            return ECKey.import_key(given)
        case _:
            return None


def _bits(number: str) -> int:
    """Return how long a number is, without the zeros before it."""
    return int.from_bytes(urlsafe_b64decode(f"{number}==")).bit_length()
