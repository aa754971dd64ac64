"""Lines of a page -> paragraphs, headings, list items and tables."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

from services.ingest.formats.pdf.columns import Region, regions, rows
from services.ingest.formats.pdf.dehyphenation import Dehyphenator
from services.ingest.formats.pdf.fragments import HYPHEN, Fragment
from services.ingest.formats.pdf.list_markers import split_list_marker
from services.ingest.pages.sentence_starts import ends_sentence

_INDENT_EMS = 0.7
_SIZE_CHANGE = 1.12
_EXTRA_GAP_EMS = 0.35
_HEADING_RATIO = 1.15
_LEVELS = ((1.6, 1), (1.3, 2))
_MAX_HEADING_CHARS = 200
_SMALL_RATIO = 0.88
_FULL_SHARE = 0.8
_NARROWEST_EMS = 20
_DOT_LEADERS = re.compile(r"(?<!\s)\s*+(?:\.\s?+){5,}+\s*+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef]")
_CUT_WORD = re.compile(r"[^\W\d_]-$")


class ParagraphRole(StrEnum):
    """What a paragraph is."""

    TEXT = "text"
    HEADING = "heading"
    ITEM = "item"
    TABLE = "table"
    SMALL = "small"


@dataclass(slots=True, kw_only=True)
class Paragraph:
    """A paragraph as plain text; ``level`` is that of a heading, ``cells`` those of a table.

    ``full`` says whether the last line reaches to about the margin.
    """

    role: ParagraphRole
    text: str
    size: float
    level: int = 0
    marker: str = ""
    cells: list[list[str]] | None = None
    full: bool = True


@dataclass(slots=True, kw_only=True)
class Line:
    """A line of one region."""

    left: float
    right: float
    bottom: float
    top: float
    size: float
    text: str


def paragraphs(
    fragments: Sequence[Fragment], body_size: float, dehyphenator: Dehyphenator
) -> list[Paragraph]:
    """Return the paragraphs of a page in reading order."""
    made: list[Paragraph] = []
    for region in regions(fragments):
        if region.table:
            cells = [[_plain(cell) for cell in row] for row in rows(region)]
            made.append(
                Paragraph(
                    role=ParagraphRole.TABLE, text="", size=region.fragments[0].size, cells=cells
                )
            )
            continue
        found = list(_of_lines(_lines(region), body_size, dehyphenator))
        if made and found and _continues(made[-1], found[0]):
            rest = found.pop(0)
            made[-1].text, made[-1].full = f"{made[-1].text} {rest.text}", rest.full
        made.extend(found)
    return made


def _of_lines(
    lines: list[Line], body_size: float, dehyphenator: Dehyphenator
) -> Iterator[Paragraph]:
    width = max((line.right for line in lines), default=0.0) - min(
        (line.left for line in lines), default=0.0
    )
    for group in _groups(lines):
        paragraph = _paragraph(group, body_size, dehyphenator)
        if paragraph.text:
            last = group[-1]
            least = _FULL_SHARE * max(width, _NARROWEST_EMS * last.size)
            paragraph.full = last.right - last.left >= least
            yield paragraph


def _continues(first: Paragraph, second: Paragraph) -> bool:
    """Say whether a column's first paragraph continues the last one of the column before it."""
    if not first.role is second.role is ParagraphRole.TEXT:
        return False
    alike = max(first.size, second.size) <= _SIZE_CHANGE * min(first.size, second.size)
    return alike and second.text[:1].islower() and not ends_sentence(first.text)


def _lines(region: Region) -> list[Line]:
    """Return the lines of a region; their box and size are those of the longest fragment."""
    lines: list[list[Fragment]] = []
    for fragment in sorted(
        region.fragments, key=lambda fragment: -(fragment.bottom + fragment.top)
    ):
        middle = (fragment.bottom + fragment.top) / 2
        main = max(lines[-1], key=lambda other: len(other.text)) if lines else None
        if main is not None and main.bottom < middle < main.top:
            lines[-1].append(fragment)
        else:
            lines.append([fragment])
    return [_line(sorted(fragments, key=lambda fragment: fragment.left)) for fragments in lines]


def _line(fragments: list[Fragment]) -> Line:
    main = max(fragments, key=lambda fragment: len(fragment.text))
    right = max(fragment.right for fragment in fragments)
    text = " ".join(fragment.text for fragment in fragments)
    return Line(
        left=fragments[0].left,
        right=right,
        bottom=main.bottom,
        top=main.top,
        size=main.size,
        text=text,
    )


def _groups(lines: list[Line]) -> Iterator[list[Line]]:
    """Yield the lines of one paragraph after another."""
    if not lines:
        return
    gaps = [upper.bottom - lower.top for upper, lower in pairwise(lines)]
    usual = min(median(gaps), lines[0].size) if gaps else 0.0
    right = max(line.right for line in lines)
    group = [lines[0]]
    for line in lines[1:]:
        gap = group[-1].bottom - line.top
        apart = gap > usual + _EXTRA_GAP_EMS * line.size
        if apart or _resized(group[-1], line) or _begins(group, line, right):
            yield group
            group = []
        group.append(line)
    yield group


def _resized(last: Line, line: Line) -> bool:
    return max(last.size, line.size) > _SIZE_CHANGE * min(last.size, line.size)


def _begins(group: list[Line], line: Line, right: float) -> bool:
    """Say whether ``line`` begins a paragraph, by its marker, its indent or the end of the last."""
    last, indent = group[-1], _INDENT_EMS * line.size
    ended = ends_sentence(last.text)
    marker = split_list_marker(line.text)
    item = split_list_marker(group[0].text) is not None
    if marker and (marker[0] == "- " or ended or item):
        return True
    room = right - last.right > _first_word_width(line)
    if len(group) == 1:
        return not item and line.left > last.left + indent and (ended or room)
    if line.left > last.left + indent:
        return True
    if line.left < last.left - indent:
        return True
    return ended and room and not item


def _first_word_width(line: Line) -> float:
    """Return about how wide the first word is: had it fitted, the last line ended on purpose."""
    share = (len(line.text.split(maxsplit=1)[0]) + 1) / max(len(line.text), 1)
    return min(share, 1.0) * (line.right - line.left)


def _paragraph(group: list[Line], body_size: float, dehyphenator: Dehyphenator) -> Paragraph:
    text = ""
    for line in group:
        text = _appended(text, line.text, dehyphenator)
    text = _plain(text)
    size = median(line.size for line in group)
    level = _level(text, size, body_size)
    if level:
        return Paragraph(role=ParagraphRole.HEADING, text=text, size=size, level=level)
    marker = split_list_marker(text)
    if marker:
        return Paragraph(role=ParagraphRole.ITEM, text=marker[1], size=size, marker=marker[0])
    return Paragraph(
        role=ParagraphRole.SMALL if size < _SMALL_RATIO * body_size else ParagraphRole.TEXT,
        text=text,
        size=size,
    )


def _appended(text: str, line: str, dehyphenator: Dehyphenator) -> str:
    if text.endswith(HYPHEN) or (_CUT_WORD.search(text[-2:]) and line[:1].islower()):
        return dehyphenator.join(text[:-1], line)
    return f"{text}{space_between(text, line)}{line}"


def space_between(left: str, right: str) -> str:
    """Return what goes between two lines of a sentence: nothing in Chinese and Japanese."""
    return "" if not left or (_CJK.match(left[-1]) and _CJK.match(right[:1])) else " "


def _plain(text: str) -> str:
    text = _DOT_LEADERS.sub(" … ", text)
    return " ".join(text.replace(HYPHEN, "-").split())


def _level(text: str, size: float, body_size: float) -> int:
    """Return the level of a heading, 0 for other text: by how much larger than the body it is."""
    ratio = size / body_size if body_size else 1.0
    if ratio < _HEADING_RATIO or len(text) > _MAX_HEADING_CHARS or not re.search(r"\w", text):
        return 0
    return next((level for least, level in _LEVELS if ratio >= least), 3)
