import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Rejected
from services.gateway.documents.checks import (
    LONGEST_URL,
    check_url,
    checked_text,
    one_line,
    readable,
)


def test_one_line():
    assert one_line(None, 10) is None
    assert one_line(" \n\t ", 10) is None
    assert one_line("a\x00b\u2028c\ud800d", 99) == "a b c d"
    assert one_line("Persian \u200c joiner", 99) == "Persian \u200c joiner"
    assert one_line("x" * 300, 255) == "x" * 255


@pytest.mark.slow
@given(st.text(), st.integers(1, 50))
def test_one_line_can_be_stored(text, limit):
    line = one_line(text, limit)
    assert line is None or (0 < len(line) <= limit and line.encode() and "\x00" not in line)


def test_the_text_of_a_page():
    assert checked_text("a\r\nb\n\n", 99) == "a\nb\n"
    assert checked_text("é" * 50, 100) == "é" * 50 + "\n"
    with pytest.raises(Rejected) as refused:
        checked_text("é" * 50 + "a", 100)
    assert refused.value.code == "too_large"


def test_web_addresses_have_a_bound():
    check_url("https://example.org/" + "a" * (LONGEST_URL - 20))
    with pytest.raises(Rejected) as refused:
        check_url("https://example.org/" + "a" * (LONGEST_URL - 19))
    assert refused.value.code == "bad_url"


async def arriving(*chunks):
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize("size", [1, 3, 4096, 9000])
async def test_a_file_is_passed_on_whole(size):
    content = b"%PDF-1.7 " + b"x" * 9000
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    found = [chunk async for chunk in readable(arriving(*chunks))]
    assert b"".join(found) == content
    assert [chunk async for chunk in readable(arriving())] == []


@pytest.mark.parametrize(
    ("begin", "advice"), [(b"\x89PNG", "Send a PDF"), (b"\xd0\xcf\x11\xe0", "Save it as .docx")]
)
async def test_what_nobody_could_read_is_refused_at_its_first_bytes(begin, advice):
    read = []

    async def endless():
        while True:
            read.append(1)
            yield begin[:2] if len(read) == 1 else begin[2:] + b"\x00" * 1000

    with pytest.raises(Rejected, match=advice) as refused:
        [chunk async for chunk in readable(endless())]
    assert refused.value.code == "unsupported"
    assert len(read) < 10
