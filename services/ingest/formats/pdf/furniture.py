"""Running heads, footers and page numbers: lines that repeat at the edge of neighboring pages."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from services.ingest.formats.pdf.fragments import Fragment

_MAX_LINES = 4
_ZONE_SHARE = 0.16
_SAME_PLACE_EMS = 0.8
_SAME_LINE_EMS = 0.4
_APART = 1.3
_LARGE = 1.15
_MIN_OTHERS = 2
_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"\W*[ivxlc]{1,7}\W*", re.IGNORECASE)
_BARE_NUMBER = re.compile(r"\W*(\d{1,5})\W*")
_END_NUMBERS = re.compile(r"^\W*(\d{1,5})\b|\b(\d{1,5})\W*$")


@dataclass(slots=True, kw_only=True)
class EdgeLine:
    """A line of a page, over all its columns."""

    bottom: float
    size: float
    text: str
    fragments: list[Fragment]

    @property
    def key(self) -> str:
        """The text with its numbers masked."""
        if _ROMAN.fullmatch(self.text):
            return "#"
        return _DIGITS.sub("#", self.text).casefold()


@dataclass(slots=True, kw_only=True)
class RawPage:
    """A page as read, before anything is left out. ``index`` counts from 0, blank ones too."""

    index: int
    height: float
    fragments: list[Fragment]
    lines: list[EdgeLine] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = _lines(self.fragments)


def _lines(fragments: Sequence[Fragment]) -> list[EdgeLine]:
    made: list[EdgeLine] = []
    for fragment in sorted(fragments, key=lambda fragment: (-fragment.bottom, fragment.left)):
        last = made[-1] if made else None
        if last is not None and last.bottom - fragment.bottom < _SAME_LINE_EMS * fragment.size:
            last.fragments.append(fragment)
            last.text += f" {fragment.text}"
        else:
            made.append(
                EdgeLine(
                    bottom=fragment.bottom,
                    size=fragment.size,
                    text=fragment.text,
                    fragments=[fragment],
                )
            )
    return made


def without_furniture(page: RawPage, near: Iterable[RawPage]) -> list[Fragment]:
    """Return the fragments of ``page`` that are not furniture, as its neighbors show.

    A line goes if it stands in the outer part of the page, is no larger than the text, is set
    apart from it, and at the same height on at least two neighbors (on the other page, if there
    are only two) there is the same line, numbers masked, or one that begins or ends with a number
    that counts along with the pages. A bare number goes only if it counts along: "born in / 1984."
    at the end of a page stays.
    """
    others = [other for other in near if other is not page and other.lines]
    dropped: set[int] = set()
    sizes = [fragment.size for fragment in page.fragments]
    largest = _LARGE * median(sizes) if sizes else 0.0
    for lines, side in ((page.lines, 1), (page.lines[::-1], -1)):
        taken = 0
        for line in lines[:_MAX_LINES]:
            if not _in_zone(line, page, side) or line.size > largest:
                break
            if not _repeats(line, page, others):
                break
            taken += 1
        while taken and not _is_apart(page, lines, taken):
            taken -= 1
        if taken:
            dropped |= {id(fragment) for line in lines[:taken] for fragment in line.fragments}
    return [fragment for fragment in page.fragments if id(fragment) not in dropped]


def _in_zone(line: EdgeLine, page: RawPage, side: int) -> bool:
    depth = _ZONE_SHARE * page.height
    return line.bottom > page.height - depth if side > 0 else line.bottom < depth


def _repeats(line: EdgeLine, page: RawPage, others: list[RawPage]) -> bool:
    needed = min(_MIN_OTHERS, max(len(others), 1))
    bare = _BARE_NUMBER.fullmatch(line.text) is not None
    hits = 0
    for other in others:
        for near_line in (*other.lines[:_MAX_LINES], *other.lines[-_MAX_LINES:]):
            if abs(near_line.bottom - line.bottom) > _SAME_PLACE_EMS * line.size:
                continue
            if (near_line.key == line.key and not bare) or _counts(line, page, near_line, other):
                hits += 1
                break
    return hits >= needed


def _counts(line: EdgeLine, page: RawPage, near_line: EdgeLine, other: RawPage) -> bool:
    """Say whether numbers at the ends of two lines differ by as much as their pages do."""
    ours = {number - page.index for number in _end_numbers(line.text)}
    return any(number - other.index in ours for number in _end_numbers(near_line.text))


def _end_numbers(text: str) -> list[int]:
    return [int(first or last) for first, last in _END_NUMBERS.findall(text)]


def _is_apart(page: RawPage, lines: list[EdgeLine], taken: int) -> bool:
    """Say whether more than the usual space follows the first ``taken`` lines from an edge."""
    if taken >= len(lines):
        return True
    steps = [upper.bottom - lower.bottom for upper, lower in pairwise(page.lines)]
    usual = min(median(steps), 2 * median(line.size for line in page.lines))
    return abs(lines[taken - 1].bottom - lines[taken].bottom) > _APART * usual
