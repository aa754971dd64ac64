from services.ingest.contents import MAX_BYTES, MAX_CHAPTERS, MAX_TITLE_CHARACTERS, contents
from services.ingest.document import Chapter
from services.ingest.tests.samples import epub, read


def test_a_table_of_contents_within_bounds_stays_as_it_is():
    found = [Chapter("One", 1), Chapter("Deep", 2, 3), Chapter("Two", 4)]
    told = [(each.title, each.first_page, each.level) for each in contents(found)]
    assert told == [("One", 1, 1), ("Deep", 2, 3), ("Two", 4, 1)]
    assert contents([]) == ()


def test_of_too_many_chapters_the_deepest_go_first_and_then_the_last():
    found = [Chapter(f"C{n}", n, 1 if n % 5 == 0 else 2) for n in range(1, 4001)]
    told = contents(found)
    pages = [each.first_page for each in told]
    assert len(told) == MAX_CHAPTERS
    assert pages == sorted(pages)
    assert sum(each.level == 1 for each in told) == 800
    assert [each.first_page for each in told if each.level == 2][-1] == 1499


def test_long_titles_are_cut():
    [told] = contents([Chapter("word " * 200, 1)])
    assert len(told.title) <= MAX_TITLE_CHARACTERS
    assert told.title.endswith("…")


def test_titles_of_many_bytes_fit_too():
    told = contents([Chapter("章" * 300, n) for n in range(1, 2001)])
    size = sum(len(each.model_dump_json().encode()) for each in told)
    assert MAX_BYTES * 0.9 < size <= MAX_BYTES
    assert [each.first_page for each in told] == list(range(1, len(told) + 1))


def test_the_contents_of_a_book_of_many_files_fit(tmp_path):
    found = [(f"Entry {n} " + "of the dictionary " * 20, f"<p>Text {n}.</p>") for n in range(2100)]
    _, metadata = read(epub(tmp_path / "a.epub", found))
    told = contents(metadata.chapters)
    assert 1000 < len(told) <= MAX_CHAPTERS < len(metadata.chapters)
