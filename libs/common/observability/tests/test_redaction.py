import json
import string
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libs.common.observability.redaction import CUT, CUT_TEXT, LONG_TEXT, MAX_ITEMS, Redactor
from libs.common.observability.secret_patterns import MASK

SECRETS = st.text(min_size=4, max_size=30).filter(lambda secret: secret not in MASK)
ANY_TEXT = st.text(max_size=200)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=20), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=15,
)
HARMLESS = st.text(alphabet=string.ascii_letters + string.digits + " .!?", max_size=200)


@pytest.mark.slow
@given(secret=SECRETS, before=ANY_TEXT, after=ANY_TEXT)
@example(secret="ed]; b", before="pwd=x; b", after="")
@example(secret="[[[[", before="[[[", after="[[[")
def test_no_registered_secret_survives_in_text(secret, before, after):
    assert secret not in Redactor([secret]).text(before + secret + after)


@pytest.mark.slow
@given(secret=SECRETS, value=VALUES, place=st.sampled_from(["key", "value", "bytes", "error"]))
def test_no_registered_secret_survives_in_values(secret, value, place):
    nested = {
        "key": {secret: value},
        "value": [value, {"a": (secret, value)}],
        "bytes": {"a": [secret.encode("utf-8", "surrogatepass")]},
        "error": [ValueError(secret)],
    }[place]
    shown = Redactor([secret]).value(nested)
    assert all(secret not in text for text in texts(shown))


def texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


@pytest.mark.slow
@given(value=VALUES, secrets=st.lists(SECRETS, max_size=3))
def test_twice_is_once_and_the_result_is_json(value, secrets):
    redactor = Redactor(secrets)
    once = redactor.value(value)
    json.dumps(once)
    assert repr(redactor.value(once)) == repr(once)


@pytest.mark.slow
@given(text=HARMLESS)
def test_harmless_text_is_unchanged(text):
    assert Redactor(["hunter2!hunter2"]).text(text) == text


FRAGMENTS = st.sampled_from(
    [
        "password", "token", "cookie", "authorization", "api", "key", "-", "_", "=", ":", "=>", ",",
        ";", "&", "?", '"', "'", "\\", "[", "]", "{", "}", "(", ")", "<", ">", "@", ".", "/", "//",
        "://", "u", "p", "a.b", "example.com", "Bearer", "Basic", "dTpw", "eyJhbGci", "--token",
        "-----BEGIN", "AKIAIOSFODNN7EXAMPLE", "PRIVATE KEY-----", "[redacted]", "b'", "8080", "x1",
        " ", "\n",
    ]
)  # fmt: skip


@pytest.mark.slow
@given(text=st.lists(FRAGMENTS, max_size=30).map("".join))
def test_what_resembles_secrets_settles_too(text):
    redactor = Redactor(["dTpw", "x1 x1"])
    once = redactor.text(text)
    assert redactor.text(once) == once


@pytest.mark.slow
@given(text=st.text())
def test_text_never_raises_and_settles(text):
    redactor = Redactor()
    once = redactor.text(text)
    assert redactor.text(once) == once


@pytest.mark.parametrize(
    "spelling",
    [
        'p@ss "w/ord',
        "p%40ss%20%22w%2Ford",
        "p%40ss+%22w%2Ford",
        'p@ss \\"w/ord',
        "p%40ss%20%22w/ord",
    ],
)
def test_a_secret_is_known_in_every_spelling(spelling):
    assert Redactor(['p@ss "w/ord']).text(f"<{spelling}>") == f"<{MASK}>"


def test_the_longest_secret_goes_first():
    assert Redactor(["abcd", "abcdefgh"]).text("abcdefgh") == MASK


def test_words_too_short_to_be_secrets_are_not_registered():
    assert Redactor(["a", "", "abc"]).text("a cab") == "a cab"


def test_secret_fields_are_masked_at_every_depth():
    value = {
        "aws_secret_access_key": "x",
        "list": [{"api-key": {"nested": "x"}}, {"keyboard": "us"}],
        "password": None,
        "has_token": True,
        "token": "",
        "pwd": 1234,
    }
    assert Redactor().value(value) == {
        "aws_secret_access_key": MASK,
        "list": [{"api-key": MASK}, {"keyboard": "us"}],
        "password": None,
        "has_token": True,
        "token": "",
        "pwd": MASK,
    }


def test_pairs_are_headers():
    headers = [(b"cookie", b"a=b"), ("accept", "*/*"), ["Token", "x"]]
    assert Redactor().value(headers) == [
        ["cookie", MASK],
        ["accept", "*/*"],
        ["Token", MASK],
    ]


def test_a_number_may_be_a_secret():
    assert Redactor(["12345678"]).value([12345678, 1234]) == [MASK, 1234]


def test_what_cannot_be_shown_is_masked():
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert Redactor().value(Broken()) == MASK
    assert Redactor().value({"a": Broken()}) == MASK


def test_what_contains_itself_ends():
    loop: list[object] = []
    loop.append(loop)
    assert CUT in str(Redactor().value(loop))


def test_a_huge_value_is_cut():
    shown = Redactor().value(list(range(10 * MAX_ITEMS)))
    assert len(shown) <= MAX_ITEMS


def test_a_long_text_is_cut_between_words_and_not_within_a_secret():
    secret = "s3cr3t" * 4
    text = "word " * (CUT_TEXT // 5 - 3) + secret + " " + "word " * LONG_TEXT
    shown = Redactor([secret]).text(text)
    assert len(shown) <= CUT_TEXT + len(CUT) + 1
    assert shown.endswith(f" {CUT}")
    assert "s3cr" not in shown
    assert Redactor([secret]).text(shown) == shown


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "a@",
        "eyJ",
        "://",
        "a:b://",
        "password=",
        '"a":',
        "bearer ",
        "-",
        "@a",
        "a:",
        "token:[",
    ],
)
def test_hostile_text_is_masked_in_bounded_time(piece):
    text = (piece * LONG_TEXT)[:LONG_TEXT]
    redactor = Redactor()
    once = redactor.text(text)  # pytest's own limit is the clock
    assert redactor.text(once) == once
