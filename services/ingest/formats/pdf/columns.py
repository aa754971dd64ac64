"""Reading order by recursive XY-cut (Nagy and Seth, 1984): gutters first, then white stripes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from services.ingest.formats.pdf.fragments import Fragment
from services.ingest.formats.pdf.list_markers import is_list_marker

_MIN_GUTTER_POINTS = 6.0
_GUTTER_EMS = 0.6
_STRIPE_EMS = 0.45
_SAME_LINE_EMS = 0.4
_PROSE_CHARS = 18
_MIN_COLUMN_LINES = 2
_ALIGNED_SHARE = 0.6
_MAX_CELL_CHARS = 60
_MARKER_EMS = 4.0
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
    waiting = [_with_markers(fragments, em)]
    while waiting:
        part = waiting.pop()
        pieces = _cut(part, em)
        if len(pieces) == 1:
            found.append(pieces[0])
        else:
            waiting.extend(piece.fragments for piece in reversed(pieces))
    return found


def _with_markers(fragments: Sequence[Fragment], em: float) -> list[Fragment]:
    """Join the marker of a list item, which stands apart, to the text beside it."""
    markers = [fragment for fragment in fragments if is_list_marker(fragment.text)]
    rest = [fragment for fragment in fragments if not is_list_marker(fragment.text)]
    for marker in markers:
        beside = [
            fragment
            for fragment in rest
            if 0 <= fragment.left - marker.right < _MARKER_EMS * em
            and fragment.bottom < (marker.bottom + marker.top) / 2 < fragment.top
        ]
        text = min(beside, key=lambda fragment: fragment.left, default=None)
        if text is None:
            rest.append(marker)
        else:
            text.text = f"{marker.text} {text.text}"
            text.left = marker.left
    return rest


def _cut(part: list[Fragment], em: float) -> list[Region]:
    """Cut a part into pieces in reading order, or return it as the one region that it is."""
    if not _side_by_side(part, em):
        return [Region(part)]
    gutter = _gutter(part, em)
    if gutter is not None and _are_columns(*_split(part, gutter), em):
        return [Region(side) for side in _split(part, gutter)]
    pieces = _around_columns(part, em) or _around_tables(part, em)
    if len(pieces) > 1:
        return [Region(piece) for piece in pieces]
    return [Region(part, gutter is not None and _is_table(part, gutter, em))]


def _split(part: list[Fragment], x: float) -> tuple[list[Fragment], list[Fragment]]:
    left = [fragment for fragment in part if fragment.right <= x]
    return left, [fragment for fragment in part if fragment.right > x]


def _side_by_side(part: list[Fragment], em: float) -> bool:
    """Say whether any two fragments stand beside each other."""
    ordered = sorted(part, key=lambda fragment: -fragment.bottom)
    return any(
        abs(upper.bottom - lower.bottom) < em * _GUTTER_EMS
        and (upper.right <= lower.left or lower.right <= upper.left)
        for upper, lower in pairwise(ordered)
    )


def _gaps(part: list[Fragment], least: float) -> list[tuple[float, float]]:
    """Return (width, middle) of the empty stripes that run down a part."""
    ordered = sorted((fragment.left, fragment.right) for fragment in part)
    found, reach = [], ordered[0][1]
    for start, stop in ordered[1:]:
        if start - reach >= least:
            found.append((start - reach, (start + reach) / 2))
        reach = max(reach, stop)
    return found


def _gutter(part: list[Fragment], em: float) -> float | None:
    gaps = _gaps(part, max(_MIN_GUTTER_POINTS, _GUTTER_EMS * em))
    return max(gaps)[1] if gaps else None


def _bands(part: list[Fragment], em: float) -> list[list[Fragment]]:
    """Cut a part at every white stripe across it."""
    least = _STRIPE_EMS * em
    bands: list[list[Fragment]] = []
    bottom = 0.0
    for fragment in sorted(part, key=lambda fragment: -fragment.top):
        if not bands or bottom - fragment.top >= least:
            bands.append([])
            bottom = fragment.bottom
        bands[-1].append(fragment)
        bottom = min(bottom, fragment.bottom)
    return bands


def _around_columns(part: list[Fragment], em: float) -> list[list[Fragment]]:
    """Cut out the bands that together are set in columns, as below a title or above a note."""
    bands = _bands(part, em)
    best: tuple[int, int, int] = (0, 0, 0)
    start = 0
    while start < len(bands):
        stop = _common_gutter(bands, start, em)
        run = _flat(bands[start:stop])
        gutter = _gutter(run, em) if run else None
        if gutter is not None and _are_columns(*_split(run, gutter), em):
            best = max(best, (len(run), start, stop))
        start = max(stop, start + 1)
    size, start, stop = best
    if not size:
        return []
    pieces = (_flat(bands[:start]), _flat(bands[start:stop]), _flat(bands[stop:]))
    return [piece for piece in pieces if piece]


def _flat(bands: list[list[Fragment]]) -> list[Fragment]:
    return [fragment for band in bands for fragment in band]


def _common_gutter(bands: list[list[Fragment]], start: int, em: float) -> int:
    """Return the end of the run of bands from ``start`` that share an empty stripe downwards."""
    least = max(_MIN_GUTTER_POINTS, _GUTTER_EMS * em)
    everything = _flat(bands)
    low = min(fragment.left for fragment in everything)
    high = max(fragment.right for fragment in everything)
    common = [(low, high)]
    for stop in range(start, len(bands)):
        free = _free(bands[stop], low, high)
        common = [
            (max(a, c), min(b, d))
            for a, b in common
            for c, d in free
            if min(b, d) - max(a, c) >= least
        ]
        if not common:
            return stop
    return len(bands)


def _free(band: list[Fragment], low: float, high: float) -> list[tuple[float, float]]:
    found, reach = [], low
    for left, right in sorted((fragment.left, fragment.right) for fragment in band):
        if left > reach:
            found.append((reach, left))
        reach = max(reach, right)
    return [*found, (reach, high)]


def _around_tables(part: list[Fragment], em: float) -> list[list[Fragment]]:
    """Cut between tables and text. A line that a wide space has split is no table."""
    left = min(fragment.left for fragment in part)
    runs: list[tuple[bool, list[Fragment]]] = []
    for row in _rows(part, em):
        # What stands alone but not at the margin goes on with a cell of the row above.
        inside = bool(runs) and runs[-1][0] and row[0].left > left + em
        is_table = len(row) > 1 or inside
        if not runs or runs[-1][0] != is_table:
            runs.append((is_table, []))
        runs[-1][1].extend(row)
    pieces: list[tuple[bool, list[Fragment]]] = []
    for several, run in runs:
        gutter = _gutter(run, em) if several else None
        table = gutter is not None and _is_table(run, gutter, em)
        if pieces and not table and not pieces[-1][0]:
            pieces[-1][1].extend(run)
        else:
            pieces.append((table, run))
    return [run for _, run in pieces]


def _rows(part: list[Fragment], em: float) -> list[list[Fragment]]:
    """Return the fragments line by line, top down, each line from left to right."""
    made: list[list[Fragment]] = []
    for fragment in sorted(part, key=lambda fragment: -fragment.bottom):
        if not made or made[-1][0].bottom - fragment.bottom > em * _SAME_LINE_EMS:
            made.append([])
        made[-1].append(fragment)
    return [sorted(row, key=lambda fragment: fragment.left) for row in made]


def _are_columns(left: list[Fragment], right: list[Fragment], em: float) -> bool:
    """Say whether two sides are columns of prose, and not the cells of a table or list markers."""
    if min(_lines(left, em), _lines(right, em)) < _MIN_COLUMN_LINES:
        return False
    chars = [sum(len(fragment.text) for fragment in side) / len(side) for side in (left, right)]
    if min(chars) >= _PROSE_CHARS:
        return True
    return not all(is_list_marker(fragment.text) for fragment in left) and not _aligned(
        left, right, em
    )


def _lines(side: list[Fragment], em: float) -> int:
    levels = sorted(fragment.bottom for fragment in side)
    return 1 + sum(upper - lower > em * _SAME_LINE_EMS for lower, upper in pairwise(levels))


def _aligned(left: list[Fragment], right: list[Fragment], em: float) -> bool:
    """Say whether most lines of the shorter side have a neighbor on the other."""
    few, many = sorted((left, right), key=len)
    levels = sorted(fragment.bottom for fragment in many)
    hits = sum(
        any(abs(level - fragment.bottom) < em * _SAME_LINE_EMS for level in levels)
        for fragment in few
    )
    return hits >= _ALIGNED_SHARE * len(few)


def _is_table(part: list[Fragment], gutter: float, em: float) -> bool:
    """Say whether most lines have short cells on both sides of the gutter."""
    lines = _rows(part, em)
    both = sum(row[0].right <= gutter <= row[-1].left for row in lines)
    if len(lines) < _MIN_COLUMN_LINES or both < len(lines) * _ALIGNED_SHARE:
        return False
    return sum(len(fragment.text) > _MAX_CELL_CHARS for fragment in part) <= len(part) / 10


def rows(region: Region) -> list[list[str]]:
    """Return the cells of a table, row by row, empty ones included."""
    em = median(fragment.size for fragment in region.fragments)
    gaps = _gaps(region.fragments, em * _GUTTER_EMS / 2)
    edges = sorted(middle for _, middle in gaps)
    made: list[list[str]] = []
    for line in _rows(region.fragments, em):
        cells = [""] * (len(edges) + 1)
        for fragment in line:
            column = sum(edge < fragment.left for edge in edges)
            cells[column] = f"{cells[column]} {fragment.text}".strip()
        made.append(cells)
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
