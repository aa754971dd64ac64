import pytest

from libs.common.store.bodies.digits import has_marks, with_digits, without_digits

UUID_ = b"0191e0b0-0000-7000-8000-00000000002a"
DIGEST = b"ab" * 32


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (b"", 0),
        (b"page", 4),
        (UUID_, 17),
        (DIGEST, 33),
        (b"page/" + UUID_ + b"/12", 25),
        (UUID_ * 2 + DIGEST * 2, 2 * 17 + 2 * 33),
        (UUID_.upper(), 36),
        (UUID_[1:], 35),
        ("ä".encode() + UUID_, 19),
        (b"fefefefe-fefe-fefe-fefe-fefefefefefe" + b"ff" * 32, 17 + 33),
    ],
)
def test_digits_come_back_from_the_bytes_that_they_stand_for(text, length):
    stored = without_digits(text)
    assert len(stored) == length
    assert with_digits(stored) == text


def test_marks_are_in_no_text():
    assert not has_marks("".join(map(chr, range(0xD800))).encode())
    assert has_marks(b"a\xfe")
    assert has_marks(b"a\xff")
