import pytest

from libs.common.contracts.details import Chapter
from libs.common.contracts.pages import page_runs
from services.gateway.documents.reading_order import ReadingOrder

CHAPTERS = (
    Chapter(title="One", first_page=1, level=1),
    Chapter(title="Two", first_page=3, level=1),
    Chapter(title="Two, in detail", first_page=3, level=2),
    Chapter(title="Three", first_page=5, level=1),
)


def order(*pages, read=6, total=6):
    return ReadingOrder(page_runs(pages) if pages else None, read, total)


def titles(found):
    return [(chapter.first_page, chapter.title) for chapter in found]


def test_pages_are_read_by_their_numbers_unless_somebody_said_otherwise():
    assert list(order().pages) == [1, 2, 3, 4, 5, 6]
    assert order().position(4) == 4
    assert order().chapters(CHAPTERS) == CHAPTERS


def test_pages_in_another_order_and_those_that_it_does_not_name():
    moved = order(5, 6, 1, 2)
    assert list(moved.pages) == [5, 6, 1, 2, 3, 4]
    assert [moved.position(page) for page in (5, 1, 4)] == [1, 3, 6]
    assert moved.sorted([1, 4, 6]) == [6, 1, 4]


def test_chapters_follow_the_order():
    moved = order(5, 6, 1, 2, 3, 4)
    assert titles(moved.chapters(CHAPTERS)) == [
        (5, "Three"),
        (1, "One"),
        (3, "Two"),
        (3, "Two, in detail"),
    ]


def test_a_chapter_that_others_stand_in_goes_on_behind_them():
    split = order(1, 3, 4, 2, 5, 6)
    assert titles(split.chapters(CHAPTERS)) == [
        (1, "One"),
        (3, "Two"),
        (3, "Two, in detail"),
        (2, "One"),
        (5, "Three"),
    ]


def test_a_chapter_begins_with_the_first_of_its_pages_that_are_in():
    moved = order(5, 6, 3, 4, 1, 2)
    assert titles(moved.chapters(CHAPTERS, [2, 4, 6])) == [
        (6, "Three"),
        (4, "Two"),
        (4, "Two, in detail"),
        (2, "One"),
    ]


@pytest.mark.parametrize(
    ("pages", "title"),
    [((), "Three"), ((1, 2, 7, 3, 4, 5, 6), "One"), ((7, 1, 2, 3, 4, 5, 6), None)],
)
def test_a_page_that_was_added_is_in_the_chapter_of_the_one_before_it(pages, title):
    assert order(*pages, total=7).chapter_title(CHAPTERS, 7) == title


def test_a_document_that_is_still_read():
    reading = ReadingOrder(None, 0, 0)
    assert list(reading.pages) == []
    assert (reading.position(3), reading.chapter_title(CHAPTERS, 4)) == (3, "Two")
