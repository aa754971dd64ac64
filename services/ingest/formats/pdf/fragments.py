"""PDFium's characters -> fragments of lines, with where they stand on the page.

Coordinates are PDF points (1/72 inch), origin at the bottom left, turned so that text runs to the
right. PDFium marks a hyphen at the end of a line as U+0002 or U+FFFE; both become HYPHEN here.
"""

from collections import Counter
from collections.abc import Iterator
from ctypes import c_double, c_ushort
from dataclasses import dataclass
from math import hypot
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

from services.ingest.pages.cleaning import clean

HYPHEN = "\ufffe"
MAX_CHARS = 400_000

_HYPHENS = frozenset((0x02, 0xFFFE))
_BLANK = frozenset((0, 0x09, 0x0A, 0x0D, 0x20, 0xA0, 0xFFFF))
_MARKS = {0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "‣", 0x25CF: "•", 0x25A0: "▪"}
_PRIVATE = range(0xE000, 0xF900)
_LIGATURES = dict(zip(range(0xFB00, 0xFB07), "ff fi fl ffi ffl st st".split(), strict=True))  # noqa: SIM905
_SURROGATES = range(0xD800, 0xE000)
_LAST_CODE = 0x10FFFF
_QUARTER_TURN = 1.5707963
# The height of a loose box is ascent plus descent, about 1.17 times the size of common fonts.
_BOX_PER_SIZE = 1.17
_DESCENT = 0.2
_SAME_BASELINE = 0.35
_WIDEST_SPACE = 1.25
_VISIBLE_GAP = 0.15


@dataclass(slots=True, kw_only=True)
class Fragment:
    """A run of words on one line; ``size`` is that of the font, in points.

    Bottom and top follow from baseline and size, so that fonts with other proportions compare.
    """

    left: float
    bottom: float
    right: float
    top: float
    size: float
    text: str


@dataclass(slots=True, kw_only=True)
class _Word:
    start: int
    text: str
    turn: int
    box: tuple[float, float, float, float]
    spaced: bool


def fragments(page: pdfium.PdfPage) -> list[Fragment]:
    """Return the fragments of a page in the order of its content stream."""
    text_page = page.get_textpage()
    try:
        words = list(_words(text_page.raw))
        glyph_sizes = _metrics(text_page.raw, words)
    finally:
        text_page.close()
    turns = Counter[int]()
    for word in words:
        turns[word.turn] += len(word.text)
    turn = turns.most_common(1)[0][0] if turns else 0
    if len(turns) > 1:
        # What runs in another direction than the text is a stamp or a note in the margin.
        words = [word for word in words if word.turn == turn]
    if turn:
        width, height = page.get_size()
        for word in words:
            word.box = _turned(word.box, turn, width, height)
        glyph_sizes = {}
    return _joined(words, glyph_sizes)


def _metrics(text_page: Any, words: list[_Word]) -> dict[float, tuple[float, float]]:
    """Return, by the height of a box, the font size and how far the baseline is above its bottom.

    Boxes of one height are of one font, so that few words need to be asked about.
    """
    found: dict[float, tuple[float, float]] = {}
    x, y, matrix = c_double(), c_double(), raw.FS_MATRIX()
    for word in words:
        height = round(word.box[3] - word.box[1], 2)
        if height not in found:
            raw.FPDFText_GetCharOrigin(text_page, word.start, x, y)
            raw.FPDFText_GetMatrix(text_page, word.start, matrix)
            size = raw.FPDFText_GetFontSize(text_page, word.start) * hypot(matrix.c, matrix.d)
            if 0.4 * height < size < 1.6 * height:
                found[height] = size, y.value - word.box[1]
    return found


def _codes(text_page: Any) -> list[int]:
    """Return the code of each character that PDFium counts, boxes having the same index.

    One call gets them all, but leaves some out at times; then they are asked for one by one.
    """
    count = min(raw.FPDFText_CountChars(text_page), MAX_CHARS)
    units = (c_ushort * (count + 1))()
    written = raw.FPDFText_GetText(text_page, 0, count, units)
    codes: list[int] = units[:count]
    if written == count + 1 and not any(0xD800 <= code < 0xE000 for code in codes):  # noqa: PLR2004
        return codes
    return [raw.FPDFText_GetUnicode(text_page, at) for at in range(count)]


def _words(text_page: Any) -> Iterator[_Word]:
    codes = _codes(text_page)
    ends = _BLANK | _HYPHENS
    start, spaced = 0, False
    for at, code in enumerate((*codes, 0)):
        if code in ends:
            hyphen = code in _HYPHENS
            if at > start or hyphen:
                word = _word(text_page, codes, start, at + hyphen, spaced)
                if word is not None:
                    yield word
            spaced = not hyphen
            start = at + 1


_FIRST, _LAST = raw.FS_RECTF(), raw.FS_RECTF()  # filled and read at once, by one thread


def _word(text_page: Any, codes: list[int], start: int, stop: int, spaced: bool) -> _Word | None:
    text = "".join([_CHARS.get(code) or _char(code) for code in codes[start:stop]])
    if not text:
        return None
    first, last = _FIRST, _LAST
    _loose_box(text_page, start, first)
    _loose_box(text_page, stop - 1, last)
    turn = round(_angle(text_page, start) / _QUARTER_TURN) % 4
    left, right = min(first.left, last.left), max(first.right, last.right)
    bottom, top = first.bottom, first.top
    if turn % 2:
        bottom, top = min(bottom, last.bottom), max(top, last.top)
    return _Word(start=start, text=text, turn=turn, box=(left, bottom, right, top), spaced=spaced)


_loose_box = raw.FPDFText_GetLooseCharBox
_angle = raw.FPDFText_GetCharAngle
_CHARS = {code: chr(code) for code in range(0x21, 0x7F)}


def _char(code: int) -> str:
    if code in _HYPHENS:
        return HYPHEN
    if code in _MARKS:
        return _MARKS[code]
    if code in _LIGATURES:
        return _LIGATURES[code]
    if code in _PRIVATE or code in _SURROGATES or code > _LAST_CODE:
        return ""
    return clean(chr(code)) if code < 0x20 or code > 0x7E else chr(code)  # noqa: PLR2004


def _turned(
    box: tuple[float, float, float, float], turn: int, width: float, height: float
) -> tuple[float, float, float, float]:
    """Turn a word's box by quarter turns so that its text runs to the right."""
    left, bottom, right, top = box
    if turn == 3:  # noqa: PLR2004 - angles count clockwise: this text runs upwards
        return bottom, width - right, top, width - left
    if turn == 2:  # noqa: PLR2004
        return width - right, height - top, width - left, height - bottom
    return height - top, left, height - bottom, right


def _joined(words: list[_Word], glyph_sizes: dict[float, tuple[float, float]]) -> list[Fragment]:
    """Join the words of a line up to where the gap is wider than any space between words."""
    made: list[Fragment] = []
    last: Fragment | None = None
    longest = 0
    for word in words:
        left, bottom, right, top = word.box
        height = max(top - bottom, 1.0)
        known = glyph_sizes.get(round(top - bottom, 2))
        size, above = known or (height / _BOX_PER_SIZE, _DESCENT * height / _BOX_PER_SIZE)
        bottom += above - _DESCENT * size
        top = bottom + _BOX_PER_SIZE * size
        if last is not None:
            em = max(size, last.size)
            gap = left - last.right
            level = abs(bottom - last.bottom) < _SAME_BASELINE * em
            if level and -em / 2 <= gap <= _WIDEST_SPACE * em:
                blank = (word.spaced or gap > _VISIBLE_GAP * size) and last.text[-1] != HYPHEN
                last.text += f" {word.text}" if blank else word.text
                last.right = max(last.right, right)
                if len(word.text) > longest:  # a bullet or a raised mark may come first
                    longest = len(word.text)
                    last.bottom, last.top, last.size = bottom, top, size
                continue
        last = Fragment(left=left, bottom=bottom, right=right, top=top, size=size, text=word.text)
        longest = len(word.text)
        made.append(last)
    return made
