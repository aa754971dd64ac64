from itertools import pairwise

import pytest

from services.ingest.sentences import complete, starts


def cut(text: str) -> list[str]:
    at = [0, *starts(text), len(text)]
    return [text[low:high].strip() for low, high in pairwise(at)]


def test_sentences_begin_after_full_stops_but_not_after_abbreviations():
    assert cut("Dr. Smith met J. Doe at 5. They (both!) left. “Why?” He knew etc. and so on.") == [
        "Dr. Smith met J. Doe at 5.",
        "They (both!) left.",
        "“Why?”",
        "He knew etc. and so on.",
    ]


def test_chinese():
    assert cut("这是第一句。这是第二句。") == ["这是第一句。", "这是第二句。"]


@pytest.mark.parametrize("end", "।॥؟۔።")
def test_full_stops_of_other_scripts(end):
    assert cut(f"अब{end} तब{end}") == [f"अब{end}", f"तब{end}"]
    assert complete(f"अब{end}")


@pytest.mark.parametrize("text", ["Done.", "“Done!”", "Really?)", "so:", "*Done.*", "Done.[^3]"])
def test_complete(text):
    assert complete(text)


@pytest.mark.parametrize("text", ["He went to", "in 1984", "He met Dr.", "", "and,"])
def test_not_complete(text):
    assert not complete(text)
