import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.cleaning import clean, one_line, tidy


@given(st.text())
def test_pages_keep_their_promises(text):
    made = tidy(text)
    assert made == unicodedata.normalize("NFC", made)
    assert "\n\n\n" not in made
    assert not any(
        unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in made
    )
    made.encode()


def test_line_ends_spaces_and_invisible_characters():
    assert clean("a\r\nb\rc\u2028d\u00a0e\u00adf\ufeffg\x00") == "a\nb\nc\nd efg"
    assert clean("می‌خواهم 👩‍👧") == "می‌خواهم 👩‍👧"


def test_one_line():
    assert one_line("  a\n b ") == "a b"
    assert one_line(None) == ""
    assert len(one_line("x" * 999)) == 300
