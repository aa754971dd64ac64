import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Rejected
from services.gateway.documents.checks import LONGEST_URL, check_url, checked_text, one_line


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
