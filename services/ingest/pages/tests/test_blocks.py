import pytest

from services.ingest.pages.blocks import BlockKind, ChapterStart, MarkdownBlock, Note, heading


@pytest.mark.parametrize(
    ("level", "markdown"), [(1, "# A"), (3, "### A"), (6, "###### A"), (0, "# A"), (9, "###### A")]
)
def test_a_heading_has_a_level_from_1_to_6(level, markdown):
    made = heading(level, "A", "A")
    assert (made.markdown, made.kind) == (markdown, BlockKind.HEADING)
    assert made.level == markdown.count("#")


def test_a_heading_is_one_line():
    made = heading(2, "The *Harbor*\\\nof  Ida\nBerg", " The Harbor\n of Ida Berg ")
    assert made.markdown == "## The *Harbor* of Ida Berg"
    assert made.plain == "The Harbor of Ida Berg"


def test_a_block_is_as_large_as_what_stands_on_the_page():
    note = Note("12", "See there.")
    block = MarkdownBlock(markdown="Text.[^12]", notes=(note, note))
    written = f"\n\n[^{note.label}]: {note.body}"
    assert block.size == len(block.markdown) + 2 * len(written)


def test_a_block_that_starts_a_chapter_is_otherwise_the_same():
    block = MarkdownBlock(markdown="| a |", kind=BlockKind.TABLE, notes=(Note("1", "x"),))
    started = block.starting(ChapterStart("One", 2))
    assert started.chapter == ChapterStart("One", 2)
    assert started.starting(None) == block
    assert block.chapter is None
