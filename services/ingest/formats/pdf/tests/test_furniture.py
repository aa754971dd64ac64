from services.ingest.formats.pdf.fragments import Fragment
from services.ingest.formats.pdf.furniture import RawPage, without_furniture

HEIGHT = 800.0


def page(index: int, *lines: tuple[float, str]) -> RawPage:
    made = [
        Fragment(left=72, bottom=y, right=72 + 5 * len(text), top=y + 11, size=10, text=text)
        for y, text in lines
    ]
    return RawPage(index=index, height=HEIGHT, fragments=made)


def body(index: int) -> list[tuple[float, str]]:
    return [
        (700 - 13 * at, f"line {at} of the text of page {'abcdefgh'[index]}") for at in range(45)
    ]


def kept(pages: list[RawPage], at: int) -> list[str]:
    return [fragment.text for fragment in without_furniture(pages[at], pages)]


def test_repeated_lines_with_numbers_go():
    pages = [page(at, (770, f"The Harbor {at + 7}"), *body(at), (40, "imprint")) for at in range(4)]
    assert kept(pages, 2) == [text for _, text in body(2)]


def test_heads_that_change_with_the_chapter_go_by_their_page_number():
    heads = ("Chapter 1: Sea 11", "Chapter 1: Sea 12", "Chapter 2: Land 13", "Chapter 3: Air 14")
    pages = [page(at, (770, head), *body(at)) for at, head in enumerate(heads)]
    assert heads[2] not in kept(pages, 2)


def test_numbers_that_do_not_count_along_stay():
    years = ("1984.", "1985.", "1999.", "1933.")
    pages = [page(at, *body(at), (60, year)) for at, year in enumerate(years)]
    assert kept(pages, 1)[-1] == "1985."


def test_a_repeated_line_that_is_not_set_apart_is_text():
    pages = [page(at, *body(at), (115, "and so it went on and on.")) for at in range(4)]
    assert kept(pages, 1)[-1] == "and so it went on and on."


def test_a_repeated_line_of_text_under_the_head_does_not_keep_the_head():
    pages = [
        page(at, (770, f"The Harbor {at + 7}"), (713, "Name and date"), *body(at))
        for at in range(4)
    ]
    assert kept(pages, 2) == ["Name and date", *(text for _, text in body(2))]


def test_a_heading_at_the_top_of_every_page_stays():
    pages = []
    for index in range(4):
        below = page(index, *body(index)).fragments
        title = f"Chapter {index}"
        large = Fragment(left=72, bottom=770, right=300, top=794, size=20, text=title)
        pages.append(RawPage(index=index, height=HEIGHT, fragments=[*below, large]))
    assert "Chapter 2" in kept(pages, 2)


def test_a_page_alone_keeps_everything():
    alone = page(0, (770, "The Harbor 7"), *body(0))
    assert len(kept([alone], 0)) == 46
