import pytest

from services.segmenter.wording.characters import MARKUP, plain, unemphasized


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\u2028c  d", "a b c d"),
        ("soft\u00adhyphen", "softhyphen"),
        ("wow 🙂!", "wow!"),
        ("a🙂b", "a b"),
        ("1️⃣ one", "1 one"),
        ("🇫🇷 France", " France"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\u200cb", "ab"),
        ("e\u0301 \u0301x", "e\u0301 x"),
        ("snake_case", "snake case"),
        ("[t]he a[0]", "the a 0"),
        ("A ..... 5", "A, 5"),
        ("Stop....", "Stop... "),
        ("a -- b---c", "a – b—c"),
        ("=====", " "),
        ("« oui »", "« oui »"),
        ("20 °C ©", "20 °C ©"),
        ("fine", "fine"),
        ("\ue000\ufdd0\x00x", "x"),
    ],
)
def test_only_what_can_be_spoken_is_left(text: str, expected: str):
    assert plain(text) == expected


def test_no_markup_is_left():
    assert not set(plain("".join(MARKUP) + "a" + "b".join(MARKUP))) & MARKUP


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**5** km", "5 km"),
        ("_a_ __b__ c_d", "a b c_d"),
        ("~~x~~", "x"),
        ("2*3*4", "2*3*4"),
        ("un*believ*able", "unbelievable"),
        ("a*b", "a*b"),
        ("5 * 3 * 2", "5 * 3 * 2"),
    ],
)
def test_emphasis_is_taken_off(text: str, expected: str):
    for edit in reversed(unemphasized(text)):
        text = text[: edit.start] + text[edit.end :]
    assert text == expected
