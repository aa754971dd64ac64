import pytest

from services.segmenter.wording import roman


def test_numerals_are_read_back():
    for value in range(1, 4000):
        assert roman.number(roman.written(value)) == value


@pytest.mark.parametrize("text", ["", "IIII", "VX", "IC", "ABC", "iv", "M" * 16])
def test_other_letters_are_no_numeral(text: str):
    assert roman.number(text) is None


@pytest.mark.parametrize(
    ("heading", "spoken"),
    [("IV. Rome", ["4"]), ("XII", ["12"]), ("C. Code", []), ("I am", []), ("V – Five", ["5"])],
)
def test_a_heading_may_begin_with_a_numeral(heading: str, spoken: list[str]):
    assert [edit.text for edit in roman.leading(heading)] == spoken


def test_numerals_follow_what_is_numbered():
    rule = roman.numbered(["Chapter", "Part"])
    edits = list(rule("CHAPTER IX of Part II, Chapter ICI, Apart V"))
    assert [edit.text for edit in edits] == ["9", "2"]


def test_a_lone_letter_after_what_is_numbered_is_a_letter():
    rule = roman.numbered(["appendix", "Part"])
    assert [edit.text for edit in rule("appendix C, Part L, Part X, Part LI")] == ["10", "51"]
