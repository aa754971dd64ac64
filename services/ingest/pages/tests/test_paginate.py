from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.pages.blocks import ChapterStart, MarkdownBlock, Note, heading
from services.ingest.pages.document import Page
from services.ingest.pages.document_language import Language
from services.ingest.pages.paginate import (
    FIRST_TARGET_CHARS,
    MAX_CHARS,
    TARGET_CHARS,
    Paginator,
    chapter_level,
    mark_chapters,
)
from services.ingest.tests.samples import SENTENCE


def paginated(blocks: list[MarkdownBlock]) -> tuple[list[Page], Paginator]:
    paginator = Paginator(Language("en"))
    return [*paginator.feed(blocks), *paginator.finish()], paginator


def test_pages_end_at_paragraphs_and_are_about_alike():
    pages, _ = paginated([MarkdownBlock(markdown=SENTENCE * 6) for _ in range(60)])
    first, *others, last = [len(page.markdown) for page in pages]
    block = len(SENTENCE * 6)
    assert abs(first - FIRST_TARGET_CHARS) <= block / 2 + 2
    assert all(abs(other - TARGET_CHARS) <= block / 2 + 2 for other in others)
    assert last <= MAX_CHARS
    assert (
        "\n\n".join(page.markdown for page in pages).split("\n\n") == [(SENTENCE * 6).strip()] * 60
    )


def test_a_page_never_spans_two_chapters_and_a_bare_title_is_no_page():
    blocks = [
        heading(1, "Part", "Part").starting(ChapterStart("Part")),
        heading(2, "One", "One").starting(ChapterStart("One", 2)),
        MarkdownBlock(markdown="Short."),
        heading(2, "Two", "Two").starting(ChapterStart("Two", 2)),
        MarkdownBlock(markdown="Short too."),
    ]
    pages, paginator = paginated(blocks)
    assert [page.markdown for page in pages] == [
        "# Part\n\n## One\n\nShort.",
        "## Two\n\nShort too.",
    ]
    assert [(chapter.title, chapter.first_page) for chapter in paginator.chapters] == [
        ("One", 1),
        ("Two", 2),
    ]
    assert [page.title for page in pages] == ["One", "Two"]


def test_a_heading_stays_with_its_text():
    blocks = [
        MarkdownBlock(markdown=SENTENCE * 29),
        heading(2, "Head", "Head"),
        MarkdownBlock(markdown=SENTENCE * 20),
    ]
    pages, _ = paginated(blocks)
    assert pages[1].markdown.startswith("## Head\n\n")


def test_notes_are_on_the_page_of_their_reference():
    text = SENTENCE * 30 + "Here[^1]. " + SENTENCE * 60 + "There[^2]."
    notes = (Note("1", "First."), Note("2", "Second."))
    pages, _ = paginated([MarkdownBlock(markdown=text, notes=notes)])
    with_first = [page.markdown for page in pages if "Here[^1]" in page.markdown]
    assert with_first[0].endswith("[^1]: First.")
    assert pages[-1].markdown.endswith("There[^2].\n\n[^2]: Second.")


def test_pages_come_before_the_text_has_ended():
    paginator = Paginator(Language("en"))

    def endless() -> Iterator[MarkdownBlock]:
        while True:
            yield MarkdownBlock(markdown=SENTENCE * 6)

    assert next(paginator.feed(endless())).number == 1


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6000), st.booleans()), max_size=12))
def test_no_word_is_lost_and_nothing_depends_on_chance(shapes):
    words = iter(range(10**9))
    blocks = []
    for size, is_heading in shapes:
        text = " ".join(f"w{next(words)}." for _ in range(size // 6 + 1))
        blocks.append(
            heading(2, text[:80], text[:80]) if is_heading else MarkdownBlock(markdown=text)
        )
    pages, _ = paginated(blocks)
    expected = " ".join(block.markdown for block in blocks).replace("#", "").split()
    assert " ".join(page.markdown for page in pages).replace("#", "").split() == expected
    assert all(len(page.markdown) <= MAX_CHARS * 1.1 for page in pages)
    assert paginated(blocks)[0] == pages


def test_chapter_level():
    assert chapter_level({1: 2}, 100) == 1
    assert chapter_level({1: 1, 2: 9}, 100) == 0
    assert chapter_level({1: 1, 2: 9}, 90_000) == 2
    marked = list(
        mark_chapters([heading(1, "A", "A"), MarkdownBlock(markdown="x"), heading(1, "B", "B")])
    )
    assert [block.chapter is not None for block in marked] == [True, False, True]
