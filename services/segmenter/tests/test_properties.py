"""What holds for every page, whatever is on it."""

import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from libs.common.utterances import Block, SegmentedPage
from services.segmenter.segment import Reading, segment_page

MARKUP = set("*_`#~|<>[]{}\\^")
LANGUAGES = ("en", "en-GB", "de", "fr", "es", "it", "ja", "und")

relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


def check(markdown: str, page: SegmentedPage, limit: int) -> None:
    check_every_word_is_accounted_for(markdown, page)
    check_order(page)
    for each in page.utterances:
        check_text(each.text, limit)
    check_spans(markdown, page)


def check_every_word_is_accounted_for(markdown: str, page: SegmentedPage) -> None:
    owners: list[set[tuple[str, int]]] = [set() for _ in markdown]
    for each in page.utterances:
        for span in each.spans:
            for position in range(span.source_start, span.source_end):
                owners[position].add(("utterance", each.index))
    for number, omission in enumerate(page.omissions):
        assert omission.source_start < omission.source_end <= len(markdown)
        assert omission.reason
        for position in range(omission.source_start, omission.source_end):
            owners[position].add(("omission", number))
    for position, character in enumerate(markdown):
        if character.isalnum():
            around = markdown[max(0, position - 20) : position + 20]
            assert len(owners[position]) == 1, (position, owners[position], around)


def check_order(page: SegmentedPage) -> None:
    assert [each.index for each in page.utterances] == list(range(len(page.utterances)))
    notes = [each for each in page.utterances if each.block is Block.FOOTNOTE]
    body = [each for each in page.utterances if each.block is not Block.FOOTNOTE]
    assert list(page.utterances) == [*body, *notes]
    for part in (body, notes):
        for one, next_one in zip(part, part[1:], strict=False):
            assert one.source_end <= next_one.source_start


def check_text(text: str, limit: int) -> None:
    assert len(text) <= limit
    assert text == text.strip()
    assert any(character.isalnum() for character in text)
    assert not MARKUP & set(text), text
    for character in text:
        category = unicodedata.category(character)
        assert category not in {"Cc", "Cs", "Co", "Cn", "So"} or character in "°©®№℃℉™℗℠"
        assert character == " " or not character.isspace()


def check_spans(markdown: str, page: SegmentedPage) -> None:
    for each in page.utterances:
        assert each.source_start == each.spans[0].source_start
        assert each.source_end == each.spans[-1].source_end
        spoken = source = 0
        for span in each.spans:
            assert spoken <= span.spoken_start < span.spoken_end <= len(each.text)
            assert source <= span.source_start < span.source_end <= len(markdown)
            assert not each.text[spoken : span.spoken_start].strip()
            spoken, source = span.spoken_end, span.source_end
        assert not each.text[spoken:].strip()


signs = st.text(
    alphabet="ab1Z .,\n\n*_`[]()<>!&;#|\\-:$~^x\"'=/\t\r+{}@%?é中",
    max_size=120,
)
snippets = st.lists(
    st.sampled_from(
        [
            "# ", "## ", "\n", "\n\n", "- ", "1. ", "2) ", "> ", "```", "~~~", "| ", " |", "|--|--|",
            "|-|-|\n", "[", "](", ")", "![", "[^1]", "[^1]:", "[a]:", "[a]", "<b>", "</b>", "<!--",
            "-->", "<div>", "<br>", "<script>", "</script>", "`", "``", "*", "**", "_", "&amp;",
            "&nbsp;", "&#0;", "&#x41;", "\\", "$", "$$", "https://example.org/a_b", "www.x.io",
            "<https://x.io>", "<a@b.c>", "Dr.", "e.g.", "p.m.", "$3.5 million", "5 %", "1914-1918",
            "2024-05-17", "1,234,567", "IV", "Chapter IV", "St.", "etc.", "word", "Word", "x",
            " ", "    ", "\t", "---", "===", "…", "....", ". . . .", "🙂", "👩‍👩‍👧", "é", "e\u0301",
            "\u00ad", "\u200d", "\u202e", "שלום", "مرحبا", "中文。", "हिन्दी", "\x00", "\x0c", "\u2028",
            "\ufeff", "\r\n", "\r", "5 km", "20 °C", "#5", "~5", "a = b", "x < y", "(", "'", '"', "[x]",
            "[ ] ", "No. 5", "pp. 3-5", "9–5", "C#", "≤", "½", "²", "١٢", "…………", "a" * 30,
        ]
    ),
    max_size=25,
).map("".join)  # fmt: skip
anything = st.one_of(st.text(max_size=80), signs, snippets, st.tuples(snippets, signs).map("".join))


@relaxed
@given(
    markdown=anything,
    language=st.sampled_from(LANGUAGES),
    limit=st.sampled_from([100, 101, 600]),
    reading=st.builds(
        Reading,
        tables=st.sampled_from(["rows", "omit"]),
        code=st.sampled_from(["notice", "read", "omit"]),
        footnotes=st.sampled_from(["end", "omit"]),
        links=st.sampled_from(["text", "host"]),
    ),
)
def test_every_page(markdown: str, language: str, limit: int, reading: Reading):
    page = segment_page(markdown, language, max_characters=limit, reading=reading)
    check(markdown, page, limit)
    assert page == segment_page(markdown, language, max_characters=limit, reading=reading)
