from services.ingest.formats.pdf.columns import regions, rows
from services.ingest.formats.pdf.fragments import Fragment


def fragment(left: float, y: float, text: str, size: float = 10) -> Fragment:
    return Fragment(
        left=left, bottom=y, right=left + 5 * len(text), top=y + size * 1.17, size=size, text=text
    )


def column(left: float, top: float, name: str, lines: int = 8) -> list[Fragment]:
    return [
        fragment(left, top - 13 * at, f"{name} line {at} which fills the column")
        for at in range(lines)
    ]


def order(fragments: list[Fragment]) -> str:
    return " ".join(
        fragment.text.split()[0]
        for region in regions(fragments)
        for fragment in sorted(region.fragments, key=lambda fragment: -fragment.bottom)
    )


def test_columns_below_a_title_and_above_a_note():
    title = fragment(72, 700, "TITLE across the whole of the page, over both of the columns", 14)
    note = fragment(72, 400, "NOTE across the whole of the page, below both of the columns.....")
    mixed = [*column(300, 650, "b"), note, *column(72, 650, "a"), title]
    assert order(mixed) == f"TITLE {'a ' * 8}{'b ' * 8}NOTE"


def test_three_columns():
    mixed = [*column(500, 650, "c"), *column(72, 650, "a"), *column(286, 650, "b")]
    assert order(mixed) == f"{'a ' * 8}{'b ' * 8}{'c ' * 8}".strip()


def test_a_table_between_paragraphs_is_read_by_rows():
    cells = [["Port", "Ships", "Days"], ["Oslo", "12", "3"], ["Riga", "7", "5"]]
    table = [
        fragment(72 + 100 * x, 500 - 20 * y, text)
        for y, row in enumerate(cells)
        for x, text in enumerate(row)
    ]
    before = [fragment(72, 550, "Before the table there is a long line of text for everybody")]
    after = [fragment(72, 400, "After the table there is a long line of text for everybody")]
    first, second, third = regions([*after, *table, *before])
    assert (first.table, second.table, third.table) == (False, True, False)
    assert rows(second) == cells


def test_list_marks_join_their_text():
    marks = [fragment(72, 500 - 13 * at, "•") for at in range(3)]
    texts = [fragment(90, 500 - 13 * at, f"item {at} is about the sea") for at in range(3)]
    [region] = regions([*marks, *texts])
    assert sorted(fragment.text for fragment in region.fragments) == [
        f"• item {at} is about the sea" for at in range(3)
    ]


def test_a_wide_space_in_a_line_makes_no_table():
    lines = [
        fragment(72, 500 - 13 * at, "some text that is long enough to be prose") for at in range(4)
    ]
    lines += [fragment(72, 448, "A sentence ends."), fragment(170, 448, "Another one begins.")]
    assert [region.table for region in regions(lines)] == [False]


def test_an_empty_page():
    assert regions([]) == []
