"""Verified as the developer guide of CloudFront says: by the public key, over the canned policy."""

import base64
import re

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from libs.common.observability.redaction import redactor
from libs.common.settings import InvalidSettings, load, secret_values
from services.gateway.http.delivery.cloudfront import CloudFront, distribution, rsa_signer
from services.gateway.settings import Settings

DOMAIN = "d111111abcdef8.cloudfront.net"
SIGNED = re.compile(
    r"(?P<url>.*)&Expires=(?P<ends>\d+)&Signature=(?P<signature>[A-Za-z0-9~_-]+)"
    r"&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256"
)


def pem(key, encryption=None):
    form = PrivateFormat.PKCS8
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def given(**parts):
    """Settings with parts of a distribution."""
    parts = {f"cloudfront_{name}": value for name, value in parts.items()}
    return load(Settings, database_url="sqlite+aiosqlite:///x", **parts)


def whole(**parts):
    return given(domain=DOMAIN, key_pair_id="K2JCJMDEHXQW5F", **parts)


def verify(key, signed: re.Match[str], ends: str) -> None:
    policy = (
        f'{{"Statement":[{{"Resource":"{signed["url"]}",'
        f'"Condition":{{"DateLessThan":{{"AWS:EpochTime":{ends}}}}}}}]}}'
    )
    letters = signed["signature"].translate(str.maketrans("-_~", "+=/"))
    signature = base64.b64decode(letters, validate=True)
    key.public_key().verify(signature, policy.encode(), PKCS1v15(), SHA256())


def test_the_public_key_verifies_the_canned_policy_of_the_whole_url(key):
    cloudfront = CloudFront(domain=DOMAIN, key_pair_id="K2JCJMDEHXQW5F", sign=rsa_signer(pem(key)))
    url = cloudfront.signed_url(
        "audio/1/a+b@c=.mp3", ends_s=1_767_290_400, media_type="audio/mpeg", disposition='a; b="c"'
    )
    signed = SIGNED.fullmatch(url)
    assert signed is not None
    assert signed["url"] == (
        f"https://{DOMAIN}/audio/1/a%2Bb%40c%3D.mp3?response-content-type=audio%2Fmpeg"
        "&response-cache-control=private&response-content-disposition=a%3B%20b%3D%22c%22"
    )
    assert signed["ends"] == "1767290400"
    verify(key, signed, "1767290400")
    with pytest.raises(InvalidSignature):
        verify(key, signed, "1767290401")
    assert signed["signature"] not in redactor.text(f"went to {url}")


def test_nothing_is_named_by_whoever_has_no_name(key):
    cloudfront = CloudFront(domain=DOMAIN, key_pair_id="K", sign=rsa_signer(pem(key)))
    url = cloudfront.signed_url("a", ends_s=1, media_type="audio/ogg; codecs=opus")
    assert "disposition" not in url
    assert "response-content-type=audio%2Fogg%3B%20codecs%3Dopus&" in url


def test_a_key_is_read_from_a_variable_or_a_file(key, tmp_path):
    (tmp_path / "key.pem").write_text(pem(key))
    for parts in (
        {"private_key": pem(key)},
        {"private_key": pem(key).replace("\n", "\\n")},
        {"private_key_file": tmp_path / "key.pem"},
    ):
        cloudfront = whole(**parts).cloudfront
        assert cloudfront is not None
        assert cloudfront.domain == DOMAIN
        url = cloudfront.signed_url("a", ends_s=5, media_type="x/y")
        signed = SIGNED.fullmatch(url)
        assert signed is not None
        verify(key, signed, "5")
    assert given().cloudfront is None
    assert distribution(domain=None, key_pair_id=None, pem=None, file=None) is None


def test_a_key_is_a_secret(key):
    settings = whole(private_key=pem(key))
    assert pem(key) in secret_values(settings)
    assert pem(key).splitlines()[1] not in repr(settings) + repr(settings.cloudfront)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda key: "nonsense-of-somebody", "no private key as PEM"),
        (lambda key: pem(key, BestAvailableEncryption(b"word")), "without a password"),
        (lambda key: pem(ec.generate_private_key(ec.SECP256R1())), "no RSA key of 2048 bits"),
        (
            lambda key: pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
            "no RSA key of 2048 bits",
        ),
    ],
)
def test_a_key_that_cannot_sign_is_a_wrong_setting(key, made, said, tmp_path):
    wrong = made(key)
    (tmp_path / "key.pem").write_text(wrong)
    for parts in ({"private_key": wrong}, {"private_key_file": tmp_path / "key.pem"}):
        with pytest.raises(InvalidSettings, match=said) as refusal:
            whole(**parts)
        assert f"GATEWAY_CLOUDFRONT_{next(iter(parts))}".upper() in str(refusal.value)
        assert wrong.splitlines()[-1] not in str(refusal.value)


def test_a_file_that_is_not_there_is_a_wrong_setting(tmp_path):
    with pytest.raises(InvalidSettings, match="PRIVATE_KEY_FILE cannot be read"):
        whole(private_key_file=tmp_path / "none.pem")


@pytest.mark.parametrize(
    "parts",
    [
        {"domain": DOMAIN},
        {"domain": DOMAIN, "key_pair_id": "K"},
        {"private_key": "x"},
        {"domain": DOMAIN, "private_key": "x"},
        {"domain": DOMAIN, "key_pair_id": "K", "private_key": "x", "private_key_file": "y"},
    ],
)
def test_a_part_of_a_distribution_is_a_wrong_setting(parts):
    with pytest.raises(InvalidSettings, match="go together"):
        given(**parts)


@pytest.mark.parametrize("domain", [f"https://{DOMAIN}", f"{DOMAIN}/path", "localhost"])
def test_a_domain_is_no_address(key, domain):
    with pytest.raises(InvalidSettings, match="GATEWAY_CLOUDFRONT_DOMAIN"):
        given(domain=domain, key_pair_id="K", private_key=pem(key))
