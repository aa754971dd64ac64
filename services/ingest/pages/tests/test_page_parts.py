from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.pages import MAX_PAGE_BYTES
from services.ingest.pages.page_parts import page_parts


def test_usual_pages_stay_as_they_are():
    assert page_parts("One.\n\nTwo.") == ["One.\n\nTwo."]
    assert page_parts("") == []
    whole = "é" * (MAX_PAGE_BYTES // 2)
    assert page_parts(whole) == [whole]


def test_parts_end_at_blank_lines_then_lines_then_spaces_then_anywhere():
    assert page_parts("aaa\n\nbbb\n\nccc", 10) == ["aaa\n\nbbb", "ccc"]
    assert page_parts("aaa\nbbb\nccc", 8) == ["aaa\nbbb", "ccc"]
    assert page_parts("aaa bbb ccc", 8) == ["aaa bbb", "ccc"]
    assert page_parts("a" * 10, 8) == ["aa"] * 5


@given(st.text(alphabet="ab é漢\n", max_size=400), st.integers(8, 60))
def test_nothing_but_blanks_is_lost_and_nothing_is_too_long(text, limit):
    parts = page_parts(text, limit)
    assert all(len(part.encode()) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
