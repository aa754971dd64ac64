import pytest

from libs.common.errors import Permanent
from libs.common.storage.keys import check_key, check_prefix, size_in_words, too_large


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "documents/0b0f0a8e-7f0c-4a39-8f3e-3b4df6a8e2a1/pages/00001.r0.md",
        "segments/ab/abcdef",
        "x=1/y+z@2/_a-B",
        "a..b",
        "a" * 200,
    ],
)
def test_keys(key):
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "", "/a", "a/", "a//b", ".", "..", "a/./b", "a/../b", ".a", "a/.b", "a b", "a\nb", "a\n",
        "a\0", "ä", "a:b", "a\\b", "~a", "a*", "a" * 201, "a/" * 300 + "a",
    ],
)  # fmt: skip
def test_what_is_no_key(key):
    with pytest.raises(Permanent, match="not an object key"):
        check_key(key)


def test_prefixes():
    for prefix in ("", "a", "a/", "a/b", "a/b/"):
        assert check_prefix(prefix) == prefix
    for prefix in ("/", "a//", "../", "a/.", "a/../"):
        with pytest.raises(Permanent):
            check_prefix(prefix)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (1_500_000, "1.5 MB"),
        (20_000_000, "20 MB"),
        (5_000_000_000_000_000, "5000 TB"),
    ],
)
def test_sizes_in_words(size, words):
    assert size_in_words(size) == words


def test_the_refusal_tells_the_owner_what_to_do():
    refusal = too_large(20_000_000)
    assert refusal.code == "too_large"
    assert "larger than the 20 MB allowed. Split it" in str(refusal)
