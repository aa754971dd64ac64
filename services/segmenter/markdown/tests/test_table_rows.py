from services.segmenter.markdown.table_rows import cells_of, table_rows
from services.segmenter.wording.aligned import Omitted


def read(source: str) -> tuple[list[list[tuple[str, str]]], list[str]]:
    rows, start = [], 0
    for line in source.split("\n"):
        rows.append(cells_of(source, start, start + len(line)))
        start += len(line) + 1
    omitted: list[Omitted] = []
    found = [
        [(cell.text, name.text if name else "") for cell, name in row]
        for row in table_rows(source, rows, omitted)
    ]
    return found, [source[omission.start : omission.end] for omission in omitted]


def test_cells_are_found_between_bars():
    source = "> | a b | c\\|d |  | e"
    cells = cells_of(source, 0, len(source))
    assert [source[slice(*cell)] for cell in cells] == ["a b", "c\\|d", "", "e"]


def test_every_cell_follows_the_name_of_its_column():
    assert read("|A|B|\n|1|2|\n|3||") == ([[("1", "A"), ("2", "B")], [("3", "A")]], ["A|B"])


def test_the_header_is_read_if_a_name_would_be_lost():
    assert read("|A|B|\n|1| |") == ([[("A", ""), ("B", "")], [("1", "A")]], [])
    assert read("|A|B|") == ([[("A", ""), ("B", "")]], [])


def test_one_column_needs_no_names():
    assert read("|A|\n|1|") == ([[("A", "")], [("1", "")]], [])


def test_cells_beyond_the_header_are_read():
    assert read("|A|B|\n|1|2|3|")[0] == [[("1", "A"), ("2", "B"), ("3", "")]]
