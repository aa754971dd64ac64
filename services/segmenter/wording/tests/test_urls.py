import pytest

from services.segmenter.wording.urls import URL, host_of, trimmed


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.example.org/a?b#c", "example.org"),
        ("http://user:pw@example.org:8080/", "example.org"),
        ("www.x.io", "x.io"),
        ("mailto:me@example.org", "example.org"),
        ("relative/path", ""),
        ("http://localhost/", ""),
        ("http://" + "a" * 60 + ".org", ""),
    ],
)
def test_the_host_is_what_is_worth_hearing(url: str, host: str):
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://x.io/a, and", "https://x.io/a"),
        ("https://x.io/a_(b)).", "https://x.io/a_(b)"),
        ("https://x.io/!?", "https://x.io/"),
        ("HTTP://X.IO<b", "HTTP://X.IO"),
    ],
)
def test_punctuation_after_an_address_is_the_sentence_s(text: str, url: str):
    found = URL.match(text)
    assert found is not None
    assert text[: trimmed(text, 0, found.end())] == url
