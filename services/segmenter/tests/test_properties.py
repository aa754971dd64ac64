"""What holds for every page, whatever is on it."""
# ruff: noqa: E501 - snippets in many scripts

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from libs.common.contracts.speech.utterances import Block, Omission, SegmentedPage
from services.segmenter.cutting.segment import ReadingStyle, segment_page

pytestmark = pytest.mark.slow

MARKUP = set("*_`#~|<>[]{}\\^")
LANGUAGES = ("en", "en-GB", "de", "fr", "es", "it", "ja", "und")

relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


def check(markdown: str, page: SegmentedPage, limit: int) -> None:
    check_every_word_is_accounted_for(markdown, page)
    check_order(page)
    for utterance in page.utterances:
        check_text(utterance.text, limit)
    check_spans(markdown, page)


def check_every_word_is_accounted_for(markdown: str, page: SegmentedPage) -> None:
    owners: list[set[tuple[str, int]]] = [set() for _ in markdown]
    for utterance in page.utterances:
        for span in utterance.spans:
            for position in range(span.source_start, span.source_end):
                owners[position].add(("utterance", utterance.index))
    for number, omission in enumerate(page.omissions):
        assert omission.source_start < omission.source_end <= len(markdown)
        assert omission.reason
        for position in range(omission.source_start, omission.source_end):
            owners[position].add(("omission", number))
    for position, character in enumerate(markdown):
        if character.isalnum():
            around = markdown[max(0, position - 20) : position + 20]
            assert len(owners[position]) == 1, (position, owners[position], around)

    for word in re.finditer(r"[^\W_]+", markdown):
        if len(word[0]) <= 40:
            whole = set.union(*owners[word.start() : word.end()])
            assert len(whole) == 1 or not is_short_token(markdown, word), word
    for omission in page.omissions:
        if omission.reason == "markup":
            check_markup(markdown, omission)


def is_short_token(markdown: str, word: re.Match[str]) -> bool:
    """Whether no limit can have forced a cut inside the word, and no script ends sentences in it."""
    around = re.compile(r"\S{0,60}$").search(markdown, 0, word.start())
    after = re.compile(r"\S{0,60}").match(markdown, word.end())
    size = len(around[0] if around else "") + len(word[0]) + len(after[0] if after else "")
    return size <= 60 and word[0].isascii()


def check_markup(markdown: str, omission: Omission) -> None:
    """Only words that are never spoken may be left to the last resort."""
    before = markdown[: omission.source_start]
    around = before[-3:] + markdown[omission.source_start : omission.source_end + 2]
    assert re.search(r"&#?\w+;|\[\^[^\s\]]+\]:?|\[[xX]\]|</?\w|\w+:", around), around


def check_order(page: SegmentedPage) -> None:
    assert [utterance.index for utterance in page.utterances] == list(range(len(page.utterances)))
    notes = [utterance for utterance in page.utterances if utterance.block is Block.FOOTNOTE]
    body = [utterance for utterance in page.utterances if utterance.block is not Block.FOOTNOTE]
    assert list(page.utterances) == [*body, *notes]
    for part in (body, notes):
        for one, next_one in pairwise(part):
            assert one.source_end <= next_one.source_start


def check_text(text: str, limit: int) -> None:
    assert len(text) <= limit
    assert text == text.strip()
    assert any(character.isalnum() for character in text)
    assert not MARKUP & set(text), text
    for before, character in pairwise(text):
        if unicodedata.category(character) in {"Mn", "Mc"}:
            assert unicodedata.category(before)[0] in "LNM"
        assert not "\ufe00" <= character <= "\ufe0f"
    for character in text:
        category = unicodedata.category(character)
        assert category not in {"Cc", "Cs", "Co", "Cn", "So"} or character in "°©®№℃℉™℗℠"
        assert character == " " or not character.isspace()


def check_spans(markdown: str, page: SegmentedPage) -> None:
    for utterance in page.utterances:
        assert utterance.source_start == utterance.spans[0].source_start
        assert utterance.source_end == utterance.spans[-1].source_end
        spoken = source = 0
        for span in utterance.spans:
            assert spoken <= span.spoken_start < span.spoken_end <= len(utterance.text)
            assert source <= span.source_start < span.source_end <= len(markdown)
            assert not utterance.text[spoken : span.spoken_start].strip()
            spoken, source = span.spoken_end, span.source_end
        assert not utterance.text[spoken:].strip()


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
        ReadingStyle,
        tables=st.sampled_from(["rows", "omit"]),
        code=st.sampled_from(["notice", "read", "omit"]),
        footnotes=st.sampled_from(["end", "omit"]),
        links=st.sampled_from(["text", "host"]),
    ),
)
@example("> " * 70 + "word\n\nafter", "en", 100, ReadingStyle())
@example("1. " * 90 + "word\n\n[a]: b\n\nafter", "en", 600, ReadingStyle())
def test_every_page(markdown: str, language: str, limit: int, reading: ReadingStyle):
    page = segment_page(markdown, language, max_characters=limit, reading=reading)
    check(markdown, page, limit)
    again = segment_page(markdown, language, max_characters=limit, reading=reading)
    assert again.model_copy(update={"nonce": page.nonce}) == page


words = st.text(alphabet="abcdefghijklmnopqrstuvwxyzéßñ", min_size=1, max_size=8)


class Document:
    """Markdown made of known parts: the words to be heard, in order, and those that must not be."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0
        self.heard: list[str] = []
        self.notes: list[str] = []
        self.unheard: list[str] = []
        self.definitions: list[str] = []

    def word(self, into: list[str]) -> str:
        self.count += 1
        word = f"q{self.count}z{self.draw(words)}"
        into.append(word)
        return word

    def phrase(self) -> str:
        parts = [self.piece() for _ in range(self.draw(st.integers(1, 6)))]
        ending = self.draw(st.sampled_from([".", "!", "?", "", ";", "…", " 🙂", "."]))
        return " ".join(parts) + ending

    def piece(self) -> str:
        kind = self.draw(st.integers(0, 13))
        if kind == 0:
            return f"**{self.word(self.heard)}** *{self.word(self.heard)}*"
        if kind == 1:
            return f"`{self.word(self.heard)}`"
        if kind == 2:
            text, target = self.word(self.heard), self.word(self.unheard)
            return f'[{text}](https://x.io/{target} "{self.word(self.unheard)}")'
        if kind == 3:
            alt = self.word(self.heard)
            return f"![{alt}](i/{self.word(self.unheard)}.png)"
        if kind == 4:
            note = self.word(self.notes)
            self.definitions.append(f"[^{self.count}]: {note}")
            return f"{self.word(self.heard)}[^{self.count}]"
        if kind == 5:
            return f"<b class='{self.word(self.unheard)}'>{self.word(self.heard)}</b>"
        if kind == 6:
            return f"<!-- {self.word(self.unheard)} --> {self.word(self.heard)}"
        if kind == 7:
            return f"({self.word(self.heard)}, {self.word(self.heard)})"
        return self.word(self.heard)

    def block(self) -> str:
        kind = self.draw(st.integers(0, 8))
        if kind == 0:
            return f"{'#' * self.draw(st.integers(1, 6))} {self.phrase()}"
        if kind == 1:
            return "\n".join(f"- {self.phrase()}" for _ in range(self.draw(st.integers(1, 3))))
        if kind == 2:
            return "\n".join(f"> {self.phrase()}" for _ in range(self.draw(st.integers(1, 3))))
        if kind == 3:
            return f"```{self.word(self.unheard)}\n{self.word(self.unheard)}\n```"
        if kind == 4:
            head = f"| {self.word(self.unheard)} | {self.word(self.unheard)} |\n|---|---|"
            rows = [f"| {self.word(self.heard)} | {self.word(self.heard)} |"]
            if self.draw(st.booleans()):
                rows[0] += f" {self.word(self.heard)} |"
            rows += [
                f"| {self.word(self.heard)} | {self.word(self.heard)} |"
                for _ in range(self.draw(st.integers(1, 3)))
            ]
            return "\n".join([head, *rows])
        if kind == 5:
            return f"<div>\n{self.word(self.heard)}\n<p>{self.word(self.heard)}</p>\n</div>"
        if kind == 6:
            return f"- {self.phrase()}\n\n  {self.phrase()}\n  - > {self.phrase()}"
        return "\n".join(self.phrase() for _ in range(self.draw(st.integers(1, 4))))


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[str], list[str]]:
    document = Document(draw)
    blocks = [document.block() for _ in range(draw(st.integers(1, 6)))]
    markdown = "\n\n".join([*blocks, *document.definitions]) + "\n"
    return markdown, [*document.heard, *document.notes], document.unheard


@relaxed
@given(document=documents(), limit=st.sampled_from([100, 600]))
def test_what_is_meant_to_be_heard_is_heard_once_and_in_order(document, limit: int):
    markdown, heard, unheard = document
    page = segment_page(markdown, "und", max_characters=limit)
    check(markdown, page, limit)
    assert "markup" not in {omission.reason for omission in page.omissions}
    spoken = " ".join(utterance.text for utterance in page.utterances)
    found = [word for word in re.findall(r"\w+", spoken) if word not in unheard]
    assert [word for word in found if word.startswith("q")] == heard
    headers = {
        word
        for omission in page.omissions
        if omission.reason == "table_header"
        for word in re.findall(r"\w+", markdown[omission.source_start : omission.source_end])
    }
    assert not (set(unheard) - headers) & set(re.findall(r"\w+", spoken))


@relaxed
@given(document=documents())
def test_a_spoken_word_stands_for_itself(document):
    markdown, heard, _ = document
    page = segment_page(markdown, "und")
    for utterance in page.utterances:
        for span in utterance.spans:
            text = utterance.text[span.spoken_start : span.spoken_end]
            source = markdown[span.source_start : span.source_end]
            for word in set(re.findall(r"\w+", text)) & set(heard):
                assert word in source


@relaxed
@given(
    paragraphs=st.lists(st.lists(words, min_size=1, max_size=30), min_size=2, max_size=6),
    data=st.data(),
)
def test_an_edit_changes_only_its_own_paragraph(paragraphs, data):
    which = data.draw(st.integers(0, len(paragraphs) - 1))
    sentence = data.draw(st.lists(words, min_size=1, max_size=12))
    before = [" ".join(paragraph).capitalize() + ". And so it goes." for paragraph in paragraphs]
    after = [*before]
    after[which] = " ".join(sentence).capitalize() + ". And so it goes."
    first, second = (by_paragraph(edition) for edition in (before, after))
    del first[which], second[which]
    assert first == second


def by_paragraph(paragraphs: list[str]) -> list[list[tuple[str, str]]]:
    markdown = "\n\n".join(paragraphs)
    page = segment_page(markdown, "en", max_characters=100)
    found: list[list[tuple[str, str]]] = [[] for _ in paragraphs]
    for utterance in page.utterances:
        found[markdown.count("\n\n", 0, utterance.source_start)].append(
            (utterance.text, utterance.language)
        )
    return found


@relaxed
@given(text=st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=400))
def test_letters_and_digits_are_never_lost(text: str):
    page = segment_page(text, "und", max_characters=100)
    spoken = "".join(utterance.text for utterance in page.utterances)
    kept = "".join(character for character in text if character.isalnum())
    assert "".join(character for character in spoken if character.isalnum()) == kept
    assert not page.omissions


@pytest.mark.parametrize("token", ["a", "中", "e\u0301", "9", "a&amp;", "x_", "&#65;"])
def test_no_limit_is_exceeded_by_a_text_without_spaces(token: str):
    markdown = token * 5000
    page = segment_page(markdown, "en", max_characters=100)
    check(markdown, page, 100)
    assert page.utterances
