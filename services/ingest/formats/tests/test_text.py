import pytest

from libs.common.errors import Rejected
from services.ingest.formats.text import read_text
from services.ingest.pages.document import Metadata, Page
from services.ingest.tests.samples import SENTENCE


def pages_of(text: str) -> tuple[list[str], Metadata]:
    *pages, metadata = read_text(text, "my_book.txt")
    assert isinstance(metadata, Metadata)
    return [page.markdown for page in pages if isinstance(page, Page)], metadata


def test_hard_wrapped_lines_are_joined_and_verse_is_not():
    text = (
        "The ferry left the harbor before dawn, and nobody on the quay\n"
        "said a word about it, although everybody knew about the letter\n"
        "that had come.\n\nRoses are red,\nviolets are blue.\n"
    )
    pages, _ = pages_of(text)
    assert pages[0].split("\n\n") == [
        "The ferry left the harbor before dawn, and nobody on the quay said a word about it,"
        " although everybody knew about the letter that had come.",
        "Roses are red,\\\nviolets are blue.",
    ]


def test_chapter_lines_begin_chapters_and_a_table_of_contents_does_not():
    contents = "\n\n".join(f"CHAPTER {at}" for at in ("I", "II", "III"))
    body = "\n\n".join(f"CHAPTER {at}\nThe Quay\n\n{SENTENCE * 5}" for at in ("I", "II", "III"))
    pages, metadata = pages_of(f"THE HARBOR\n\n{contents}\n\nBy nobody.\n\n{body}")
    assert [chapter.title for chapter in metadata.chapters] == [
        "CHAPTER III",
        "CHAPTER I The Quay",
        "CHAPTER II The Quay",
        "CHAPTER III The Quay",
    ][-len(metadata.chapters) :]
    assert any(page.startswith("## CHAPTER II The Quay\n\nThe ferry") for page in pages)


def test_a_sentence_that_mentions_a_chapter_is_no_heading():
    _, metadata = pages_of("Chapter one of the book was read by everybody on the ship that night.")
    assert metadata.chapters == ()


def test_one_paragraph_per_line():
    pages, _ = pages_of(f"{SENTENCE * 4}\n{SENTENCE * 4}\n{SENTENCE * 4}")
    assert pages[0].count("\n\n") == 2


def test_indented_paragraphs_without_empty_lines():
    line = (
        "The ferry left the harbor before dawn and nobody said\nanything about it to the others.\n"
    )
    pages, _ = pages_of("".join(f"   {line}" for _ in range(4)))
    assert pages[0].count("\n\n") == 3


def test_markdown_characters_are_text():
    pages, _ = pages_of("# no heading, *no* emphasis, 5 * 3, a_b_c and [no](link) 1. x")
    assert pages == [r"\# no heading, \*no\* emphasis, 5 * 3, a_b_c and \[no](link) 1. x"]


def test_lists_and_rules():
    pages, _ = pages_of("- one\n- two\n\n1. first\n2) second\n\n* * *\n\nEnd.")
    assert pages == ["- one\n- two\n\n1. first\n2. second\n\n---\n\nEnd."]


def test_one_character_is_a_document_and_none_is_not():
    assert pages_of("x")[0] == ["x"]
    with pytest.raises(Rejected):
        list(read_text("\x01 \n", None))


def test_title_comes_from_the_name_or_the_first_line():
    *_, metadata = read_text("The Harbor\n\nText.", None)
    assert isinstance(metadata, Metadata)
    assert metadata.title == "The Harbor"
