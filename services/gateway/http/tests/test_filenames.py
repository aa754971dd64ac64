import re
from unicodedata import normalize
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.gateway.http.filenames import attachment

FORM = re.compile(r"""attachment; filename="([^"\\]*)"; filename\*=UTF-8''(.*)""")


def names(header):
    match = FORM.fullmatch(header)
    assert match
    return match[1], unquote(match[2])


@pytest.mark.parametrize(
    ("title", "page", "plain", "full"),
    [
        ("A book", 3, "A book - 003.m4a", "A book - 003.m4a"),
        ("A book", None, "A book.m4a", "A book.m4a"),
        ("Žluťoučký kůň", None, "Zlutoucky kun.m4a", "Žluťoučký kůň.m4a"),
        ("三国演义", None, "audio.m4a", "三国演义.m4a"),
        ("三国演义", 7, "audio - 007.m4a", "三国演义 - 007.m4a"),
        ('../../etc/"passwd"', None, "etc passwd.m4a", "etc passwd.m4a"),
        ("line\r\nSet-Cookie: x", None, "line Set-Cookie x.m4a", "line Set-Cookie x.m4a"),
        ("cod\u202e4a.exe", None, "cod 4a.exe.m4a", "cod 4a.exe.m4a"),
        ("x\uff02; filename=y.hta", None, "x ; filename=y.hta.m4a", "x ; filename=y.hta.m4a"),
        ("a\u226eb", None, "a b.m4a", "a b.m4a"),
        ("a\uff0f..\uff3cb", None, "a .. b.m4a", "a .. b.m4a"),
        ("\u2100", None, "a c.m4a", "a c.m4a"),
        ("...", None, "audio.m4a", "audio.m4a"),
        ("", None, "audio.m4a", "audio.m4a"),
    ],
)
def test_names(title, page, plain, full):
    assert names(attachment(title, "m4a", page)) == (plain, full)


@given(st.text(max_size=300), st.none() | st.integers(1, 10_000))
@example("x\uff02; filename=evil.hta", None)
@example("\ufdfa" * 120, 7)
def test_no_title_gets_out_of_the_header(title, page):
    header = attachment(title, "mp3", page)
    assert header.isascii()
    assert header.count('"') == 2
    plain, full = names(header)
    for name in (plain, full, normalize("NFKC", full), normalize("NFKD", full)):
        assert name.endswith(".mp3")
        assert name.isprintable()
        assert not set(name) & set('/\\"<>|:*?%')
        assert not name.startswith((".", " "))
        assert len(name) < 150
    assert plain.isascii()
