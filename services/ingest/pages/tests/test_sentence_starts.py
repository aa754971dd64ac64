from itertools import pairwise

import pytest

from services.ingest.pages.sentence_starts import ends_sentence, sentence_starts


def cut(text: str) -> list[str]:
    at = [0, *sentence_starts(text), len(text)]
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
    assert ends_sentence(f"अब{end}")


@pytest.mark.parametrize("text", ["Done.", "“Done!”", "Really?)", "so:", "*Done.*", "Done.[^3]"])
def test_ends_of_sentences(text):
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["He went to", "in 1984", "He met Dr.", "", "and,"])
def test_no_ends_of_sentences(text):
    assert not ends_sentence(text)
