import pytest

from services.ingest.pages.contents import (
    MAX_BYTES,
    MAX_CHAPTER_TITLE_CHARACTERS,
    MAX_CHAPTERS,
    contents,
)
from services.ingest.pages.document import ParsedChapter
from services.ingest.tests.samples import epub, read


def test_a_table_of_contents_within_bounds_stays_as_it_is():
    found = [ParsedChapter("One", 1), ParsedChapter("Deep", 2, 3), ParsedChapter("Two", 4)]
    told = [(chapter.title, chapter.first_page, chapter.level) for chapter in contents(found)]
    assert told == [("One", 1, 1), ("Deep", 2, 3), ("Two", 4, 1)]
    assert contents([]) == ()


def test_of_too_many_chapters_the_deepest_go_first_and_then_the_last():
    found = [ParsedChapter(f"C{n}", n, 1 if n % 5 == 0 else 2) for n in range(1, 4001)]
    told = contents(found)
    pages = [chapter.first_page for chapter in told]
    assert len(told) == MAX_CHAPTERS
    assert pages == sorted(pages)
    assert sum(chapter.level == 1 for chapter in told) == 800
    assert [chapter.first_page for chapter in told if chapter.level == 2][-1] == 1499


def test_long_titles_are_cut():
    [told] = contents([ParsedChapter("word " * 200, 1)])
    assert len(told.title) <= MAX_CHAPTER_TITLE_CHARACTERS
    assert told.title.endswith("…")


def test_titles_of_many_bytes_fit_too():
    told = contents([ParsedChapter("章" * 300, n) for n in range(1, 2001)])
    size = sum(len(chapter.model_dump_json().encode()) for chapter in told)
    assert MAX_BYTES * 0.9 < size <= MAX_BYTES
    assert [chapter.first_page for chapter in told] == list(range(1, len(told) + 1))


@pytest.mark.slow
def test_the_contents_of_a_book_of_many_files_fit(tmp_path):
    found = [(f"Entry {n} " + "of the dictionary " * 20, f"<p>Text {n}.</p>") for n in range(2100)]
    _, metadata = read(epub(tmp_path / "a.epub", found))
    told = contents(metadata.chapters)
    assert 1000 < len(told) <= MAX_CHAPTERS < len(metadata.chapters)
