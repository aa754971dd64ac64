"""Reading order by recursive XY-cut (Nagy and Seth, 1984): gutters first, then white stripes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from services.ingest.pdf.fragments import Fragment
from services.ingest.pdf.marks import is_mark

_MIN_GUTTER_POINTS = 6.0
_GUTTER_EMS = 0.6
_STRIPE_EMS = 0.45
_SAME_LINE_EMS = 0.4
_PROSE_CHARS = 18
_MIN_COLUMN_LINES = 2
_ALIGNED_SHARE = 0.6
_TRIED_STRIPES = 6
_MAX_CELL_CHARS = 60
_MAX_FRAGMENTS = 4000


@dataclass(slots=True)
class Region:
    """Fragments that are read line by line, top down, or as the cells of a table."""

    fragments: list[Fragment]
    table: bool = False


def regions(fragments: Sequence[Fragment]) -> list[Region]:
    """Return the regions of a page in reading order."""
    if len(fragments) > _MAX_FRAGMENTS:  # a drawing; the order of its labels means nothing
        return [Region(list(fragments))]
    if not fragments:
        return []
    em = median(fragment.size for fragment in fragments)
    found: list[Region] = []
    waiting = [list(fragments)]
    while waiting:
        part = waiting.pop()
        pieces = _cut(part, em)
        if len(pieces) == 1:
            found.append(pieces[0])
        else:
            waiting.extend(piece.fragments for piece in reversed(pieces))
    return found


def _cut(part: list[Fragment], em: float) -> list[Region]:
    """Cut a part in two, in reading order, or return it as the one region that it is."""
    if not _side_by_side(part, em):
        return [Region(part)]
    gutter = _gutter(part, em)
    if gutter is not None and _are_columns(*_split(part, gutter), em):
        return [Region(side) for side in _split(part, gutter)]
    stripe = _stripe(part, em)
    if stripe is not None:
        above = [each for each in part if each.bottom >= stripe]
        return [Region(above), Region([each for each in part if each.bottom < stripe])]
    return [Region(part, gutter is not None and _is_table(part, gutter, em))]


def _split(part: list[Fragment], x: float) -> tuple[list[Fragment], list[Fragment]]:
    return [each for each in part if each.right <= x], [each for each in part if each.right > x]


def _side_by_side(part: list[Fragment], em: float) -> bool:
    """Say whether any two fragments stand beside each other."""
    ordered = sorted(part, key=lambda each: -each.bottom)
    return any(
        abs(upper.bottom - lower.bottom) < em * _GUTTER_EMS
        and (upper.right <= lower.left or lower.right <= upper.left)
        for upper, lower in pairwise(ordered)
    )


def _gaps(
    part: list[Fragment],
    low: Callable[[Fragment], float],
    high: Callable[[Fragment], float],
    least: float,
) -> list[tuple[float, float]]:
    """Return (width, middle) of the empty stripes across one axis."""
    ordered = sorted((low(each), high(each)) for each in part)
    found, reach = [], ordered[0][1]
    for start, stop in ordered[1:]:
        if start - reach >= least:
            found.append((start - reach, (start + reach) / 2))
        reach = max(reach, stop)
    return found


def _gutter(part: list[Fragment], em: float) -> float | None:
    least = max(_MIN_GUTTER_POINTS, _GUTTER_EMS * em)
    gaps = _gaps(part, lambda each: each.left, lambda each: each.right, least)
    return max(gaps)[1] if gaps else None


def _stripe(part: list[Fragment], em: float) -> float | None:
    """Return where to cut across: where most fragments get into columns, else the widest gap."""
    gaps = _gaps(part, lambda each: each.bottom, lambda each: each.top, _STRIPE_EMS * em)
    widest = sorted(gaps, reverse=True)[:_TRIED_STRIPES]
    if not widest:
        return None
    scores = [(_in_columns(part, y, em), width, y) for width, y in widest]
    return max(scores)[2]


def _in_columns(part: list[Fragment], y: float, em: float) -> int:
    count = 0
    above = [each for each in part if each.bottom >= y]
    below = [each for each in part if each.bottom < y]
    for half in (above, below):
        gutter = _gutter(half, em) if half else None
        if gutter is not None and _are_columns(*_split(half, gutter), em):
            count += len(half)
    return count


def _are_columns(left: list[Fragment], right: list[Fragment], em: float) -> bool:
    """Say whether two sides are columns of prose, and not the cells of a table or list marks."""
    if min(_lines(left, em), _lines(right, em)) < _MIN_COLUMN_LINES:
        return False
    chars = [sum(len(each.text) for each in side) / len(side) for side in (left, right)]
    if min(chars) >= _PROSE_CHARS:
        return True
    return not all(is_mark(each.text) for each in left) and not _aligned(left, right, em)


def _lines(side: list[Fragment], em: float) -> int:
    levels = sorted(each.bottom for each in side)
    return 1 + sum(upper - lower > em * _SAME_LINE_EMS for lower, upper in pairwise(levels))


def _aligned(left: list[Fragment], right: list[Fragment], em: float) -> bool:
    """Say whether most lines of the shorter side have a neighbor on the other."""
    few, many = sorted((left, right), key=len)
    levels = sorted(each.bottom for each in many)
    hits = sum(
        any(abs(level - each.bottom) < em * _SAME_LINE_EMS for level in levels) for each in few
    )
    return hits >= _ALIGNED_SHARE * len(few)


def _is_table(part: list[Fragment], gutter: float, em: float) -> bool:
    left, right = _split(part, gutter)
    if all(is_mark(each.text) for each in left) or _lines(part, em) < _MIN_COLUMN_LINES:
        return False
    long = sum(len(each.text) > _MAX_CELL_CHARS for each in part)
    return long <= len(part) / 10 and _aligned(left, right, em)


def rows(region: Region) -> list[list[str]]:
    """Return the cells of a table, row by row, empty ones included."""
    em = median(fragment.size for fragment in region.fragments)
    edges = sorted(
        middle
        for _, middle in _gaps(
            region.fragments, lambda each: each.left, lambda each: each.right, em * _GUTTER_EMS / 2
        )
    )
    made: list[list[str]] = []
    level = float("inf")
    for fragment in sorted(region.fragments, key=lambda each: (-each.bottom, each.left)):
        if level - fragment.bottom > em * _SAME_LINE_EMS:
            made.append([""] * (len(edges) + 1))
            level = fragment.bottom
        column = sum(edge < fragment.left for edge in edges)
        made[-1][column] = f"{made[-1][column]} {fragment.text}".strip()
    return _without_continuations(made)


def _without_continuations(made: list[list[str]]) -> list[list[str]]:
    """Join the further lines of cells, which have nothing in the first column, to their row."""
    kept: list[list[str]] = []
    for row in made:
        if kept and not row[0] and len(kept) > 1:
            kept[-1] = [f"{old} {new}".strip() for old, new in zip(kept[-1], row, strict=True)]
        else:
            kept.append(row)
    return kept
