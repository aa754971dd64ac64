"""Tables as rows of cells, each read after the name of its column."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from services.segmenter.markdown.content import Content
from services.segmenter.wording.aligned import Omitted
from services.segmenter.wording.characters import SPEAKABLE

LONGEST_NAME: Final = 40
"""A column with a longer name is read without it; the header row is then read instead."""

Row = list[tuple[int, int]]

_PREFIX: Final = re.compile(r"[ \t>]*+")
_BAR: Final = re.compile(r"(?<!\\)\|")


def cells_of(source: str, start: int, end: int) -> Row:
    """Return where the cells of the row in ``source[start:end]`` are, without spaces around."""
    prefix = _PREFIX.match(source, start, end)
    start = prefix.end() if prefix else start
    cells: Row = []
    for bar in _BAR.finditer(source, start, end):
        cells.append(_trimmed(source, start, bar.start()))
        start = bar.end()
    cells.append(_trimmed(source, start, end))
    if len(cells) > 1 and cells[0][0] == cells[0][1]:
        del cells[0]
    if len(cells) > 1 and cells[-1][0] == cells[-1][1]:
        del cells[-1]
    return cells


def table_rows(
    source: str, rows: Sequence[Row], omitted: list[Omitted]
) -> Iterator[list[tuple[Content, Content | None]]]:
    """Yield for each row to be read its cells, with the header of the column if there is one.

    The header row is read only if that would lose a name otherwise; else it is stated as omitted.
    """
    header, body = rows[0], rows[1:]
    named = [_says(source, cell) and cell[1] - cell[0] <= LONGEST_NAME for cell in header]
    if len(header) == 1 or not _all_used(source, header, named, body):
        spoken = [(_content(source, cell), None) for cell in header if _says(source, cell)]
        if spoken:
            yield [*spoken]
    else:
        omitted.append(Omitted(header[0][0], header[-1][1], "table_header"))
    if len(header) == 1:
        named = [False]
    names = [
        _content(source, cell) if use else None for cell, use in zip(header, named, strict=True)
    ]
    for row in body:
        columns = [*names, *[None] * len(row)]
        cells = zip(row, columns, strict=False)
        found = [(_content(source, cell), name) for cell, name in cells if _says(source, cell)]
        if found:
            yield found


def _all_used(source: str, header: Row, named: Sequence[bool], body: Sequence[Row]) -> bool:
    """Whether every name is read with at least one cell."""
    for column, cell in enumerate(header):
        if _says(source, cell) and not (
            named[column] and any(len(row) > column and _says(source, row[column]) for row in body)
        ):
            return False
    return any(named)


def _says(source: str, cell: tuple[int, int]) -> bool:
    return SPEAKABLE.search(source, *cell) is not None


def _content(source: str, cell: tuple[int, int]) -> Content:
    return Content.of_lines(source, [cell])


def _trimmed(source: str, start: int, end: int) -> tuple[int, int]:
    text = source[start:end]
    left = len(text) - len(text.lstrip())
    return (start + left, start + left + len(text.strip())) if text.strip() else (start, start)
