import pickle
from functools import partial

import pytest

from libs.common.contracts.speech.utterances import Block, SegmentedPage
from services.segmenter.cutting.segment import Pauses, ReadingStyle, segment_page, warm_up

PAUSES = Pauses(clause=1, sentence=2, list_item=3, paragraph=4, heading=5, scene=6, page=7)


def pauses(markdown: str, limit: int = 600) -> list[int]:
    page = segment_page(markdown, "en", limit, PAUSES)
    return [utterance.pause_ms for utterance in page.utterances]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("One. Two.", [2, 7]),
        ("One.\n\nTwo.", [4, 7]),
        ("One.\n\n# Two\n\nThree.", [5, 5, 7]),
        ("- a\n- b\n\nc", [3, 4, 7]),
        ("One.\n\n---\n\nTwo.", [6, 7]),
        ("|a|b|\n|-|-|\n|1|2|\n|3|4|", [3, 7]),
        ("word " * 30, [1, 7]),
    ],
)
def test_the_silence_after_an_utterance(markdown: str, expected: list[int]):
    assert pauses(markdown, 100) == expected


def test_words_map_to_the_page_as_it_is_stored():
    markdown = "# I\r\n\r\nDr. **Who** pays\r\n$5.[^1]\r\n\r\n[^1]: See p. 3."
    page = segment_page(markdown, "en")
    found = [
        (
            utterance.text[span.spoken_start : span.spoken_end],
            markdown[span.source_start : span.source_end],
        )
        for utterance in page.utterances
        for span in utterance.spans
    ]
    assert found == [
        ("1", "I"),
        ("Doctor", "Dr."),
        ("Who", "Who"),
        ("pays", "pays"),
        ("5 dollars.", "$5."),
        ("Footnote 1.", "[^1]:"),
        ("See", "See"),
        ("page", "p."),
        ("3.", "3."),
    ]


def test_footnotes_come_last():
    page = segment_page("a[^1]\n\n[^1]: b\n\nc", "en")
    assert [utterance.block for utterance in page.utterances] == [
        Block.PARAGRAPH,
        Block.PARAGRAPH,
        Block.FOOTNOTE,
    ]


def test_what_is_read_can_be_chosen():
    markdown = "[a](https://x.io)[^1]\n\n```\nx = 1\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n[^1]: n"
    reading = ReadingStyle(tables="omit", code="read", footnotes="omit", links="host")
    page = segment_page(markdown, "en", reading=reading)
    assert [utterance.text for utterance in page.utterances] == ["a, link to x.io,", "x = 1"]
    assert [omission.reason for omission in page.omissions] == [
        "footnote_reference",
        "table",
        "footnote",
    ]


@pytest.mark.parametrize("markdown", ["", "\n", "***", "🙂", "<!-- a -->", "[a]: b", "&nbsp;"])
def test_a_page_may_have_nothing_to_say(markdown: str):
    assert segment_page(markdown, "en").utterances == ()


@pytest.mark.slow
def test_the_language_of_a_page_may_be_unknown():
    page = segment_page("Der Hund läuft durch den Wald und bellt die Katze an.", "und")
    assert page.language == "de"
    assert segment_page("Hm.", "und").language == "und"


def test_a_limit_too_small_for_any_expansion_is_refused():
    with pytest.raises(ValueError, match="at least 100"):
        segment_page("a", "en", max_characters=99)


def test_it_can_be_sent_to_another_process():
    job = pickle.loads(pickle.dumps(partial(segment_page, pauses=PAUSES, reading=ReadingStyle())))
    assert isinstance(job("One.", "en"), SegmentedPage)


def test_it_survives_storage():
    page = segment_page("# A\n\nDr. B.", "en")
    assert SegmentedPage.read(page.encode()) == page


@pytest.mark.slow
def test_warming_up_needs_nothing():
    warm_up()


@pytest.mark.slow
@pytest.mark.parametrize("markdown", ["word, " * 40_000, "a" * 200_000, "1. " * 7_000])
def test_a_very_long_paragraph_is_cut_whole(markdown: str):
    page = segment_page(markdown, "en")
    spoken = sum(sum(map(str.isalnum, utterance.text)) for utterance in page.utterances)
    assert spoken == sum(map(str.isalnum, markdown))
