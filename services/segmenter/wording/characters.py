"""Which characters an engine gets to see.

Dropped are marks of Markdown that mean nothing when spoken, controls, and pictures: emoji, arrows
between words, dingbats. Letters and digits of any script are never dropped. A dropped character
between two letters leaves a space, so that words never run together.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import Final

from services.segmenter.wording.aligned import Edit

MARKUP: Final = frozenset("*_`#~|<>[]{}\\^")
"""Never part of an utterance's text."""

SPEAKABLE: Final = re.compile(r"[^\W_]")
"""A letter or a digit of any script; what has none is not spoken."""

_SUSPECT: Final = re.compile(
    r"(?P<leaders>(?<![ \t])(?:[ \t]*+\.){4,}+[ \t]*+|(?<![ \t])[ \t]*+…{2,}+[ \t]*+)"
    r"|(?P<line>-{2,}+|[=+]{3,}+|[–—]{2,}+)"
    r"|(?:[^\s\w.,;:!?'\"()/%&@+=$€£–—’‘“”…-]|_)+"
)
_RARE: Final = re.compile(r"[^\s\w.,;:!?'\"()/%&@+=$€£–—’‘“”…-]")
_REPEATED: Final = ("_", "....", ". .", "……", "--", "==", "++", "––", "——")
_SPACES: Final = re.compile(r"\s{2,}+|[^\S ]")
_STARS: Final = re.compile(r"\*+")
_UNDERLINES: Final = re.compile(r"(?<![^\W_])_+|(?<!_)_+(?![\w])|~~+")
_PAGE_NUMBER: Final = re.compile(r"\w{1,6}[ \t]*(\n)")
_BEFORE_MARK: Final = frozenset(".,;:!?)")
_JOINERS: Final = frozenset("\u200c\u200d")
_KEPT_SYMBOLS: Final = frozenset("°©®№℃℉™℗℠")
_COMPLEX_SCRIPTS: Final = 0x0600
_PICTURE: Final = "symbol"
_SHORTEST_LINE: Final = 4


class _Kind(Enum):
    KEEP = "keep"
    HIDE = "hide"
    """Invisible: leaves nothing, not even between letters."""
    BREAK = "break"
    """Leaves a space between letters."""
    PICTURE = "picture"
    """As BREAK, and is stated as an omission."""
    MARK = "mark"
    """A combining mark: kept on a letter."""


@lru_cache(maxsize=4096)
def _kind(character: str) -> _Kind:
    if character in MARKUP or character in "•‣◦▪▫●○■□·∙¶†‡":
        return _Kind.BREAK
    if character in _KEPT_SYMBOLS:
        return _Kind.KEEP
    category = unicodedata.category(character)
    if category in {"Mn", "Mc"}:
        return _Kind.HIDE if _is_variation_selector(character) else _Kind.MARK
    if category in {"So", "Me"}:
        return _Kind.PICTURE
    if category in {"Cc", "Cf", "Cs", "Co", "Cn", "Sk"}:
        return _Kind.HIDE
    if category == "Pc" or "\u2190" <= character <= "\u21ff":
        return _Kind.BREAK
    return _Kind.KEEP


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def unemphasized(text: str) -> list[Edit]:
    """Return the edits that take off emphasis, so that "**5** km" reads as "5 km" does."""
    edits: list[Edit] = []
    if "*" in text:
        edits.extend(Edit(position, position + 1, "") for position in _emphasis(text))
    if "_" in text or "~~" in text:
        edits.extend(Edit(*found.span(), "") for found in _UNDERLINES.finditer(text))
    edits.sort()
    return edits


def dropping(text: str) -> list[Edit]:
    """Return the edits that leave of ``text`` what can be spoken."""
    edits: list[Edit] = []
    if not (_RARE.search(text) or any(repeated in text for repeated in _REPEATED)):
        return edits
    for found in _SUSPECT.finditer(text):
        start, end = found.span()
        if found.lastgroup:
            edits.extend(_fillers(text, start, end))
            continue
        for first, stop in _dropped(text, start, end):
            edit = _drop(text, first, stop)
            if edits and edits[-1].end > edit.start:
                edit = edit._replace(start=first)
            edits.append(edit)
    return edits


def _dropped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of ``text[start:end]`` that cannot be spoken."""
    first = start
    for position in range(start, end):
        kind = _kind(text[position])
        kept = kind is _Kind.KEEP
        if first == position and not kept:
            kept = (kind is _Kind.MARK and _carried(text, position)) or (
                text[position] in _JOINERS and _joins(text, position)
            )
        if kept:
            if first < position:
                yield first, position
            first = position + 1
    if first < end:
        yield first, end


def _drop(text: str, start: int, end: int) -> Edit:
    kinds = {_kind(text[position]) for position in range(start, end) if text[position] != "]"}
    between = start > 0 and end < len(text) and _is_word(text[start - 1]) and _is_word(text[end])
    reason = _PICTURE if _Kind.PICTURE in kinds else None
    if between and kinds & {_Kind.BREAK, _Kind.PICTURE}:
        return Edit(start, end, " ", reason)
    strands_mark = start > 1 and text[start - 1] == " " and text[end : end + 1] in _BEFORE_MARK
    return Edit(start - strands_mark, end, "", reason)


def spacing(text: str) -> list[Edit]:
    """Return the edits that leave single spaces only."""
    return [Edit(*found.span(), " ") for found in _SPACES.finditer(text)]


def plain(text: str) -> str:
    """Return what may be spoken of a short text that needs no offsets."""
    for edits in (dropping, spacing):
        for edit in reversed(edits(text)):
            text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _fillers(text: str, start: int, end: int) -> Iterator[Edit]:
    """Dotted leaders before a page number become a comma, drawn lines a dash or a space.

    A page number at the end of its line ends the entry of a table of contents.
    """
    drawn, after = text[start:end].strip(), text[end : end + 1]
    if drawn[0] in ".…":
        yield Edit(start, end, ", " if after.isalnum() and start else "... ")
        if line_end := _PAGE_NUMBER.match(text, end):
            yield Edit(*line_end.span(1), ". ")
    elif drawn[0] in "-–—" and len(drawn) < _SHORTEST_LINE:
        before = text[max(0, start - 1) : start]
        if before.isspace():
            yield Edit(start, end, "–" if after.isspace() else "")
        else:
            yield Edit(start, end, "—" if before and after else "")
    else:
        yield Edit(start, end, " ")


def _carried(text: str, position: int) -> bool:
    """Whether the combining mark at ``position`` has a letter to stand on."""
    return position > 0 and _is_word(text[position - 1])


def _is_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in {"Mn", "Mc"}


def _joins(text: str, position: int) -> bool:
    """Whether a zero-width joiner shapes letters, as in Persian and Indic scripts."""
    around = text[position - 1 : position] + text[position + 1 : position + 2]
    return len(around) > 1 and all(
        ord(sign) >= _COMPLEX_SCRIPTS and unicodedata.category(sign)[0] in "LM" for sign in around
    )


def _emphasis(text: str) -> set[int]:
    """Return the positions of ``*`` that open or close emphasis, by runs of equal length.

    Between digits a star multiplies.
    """
    waiting: dict[int, int] = {}
    paired: set[int] = set()
    for run in _STARS.finditer(text):
        start, end = run.span()
        size = end - start
        if text[start - 1 : start].isdigit() and text[end : end + 1].isdigit():
            continue
        opens = end < len(text) and not text[end].isspace()
        closes = start > 0 and not text[start - 1].isspace()
        if closes and size in waiting:
            first = waiting.pop(size)
            paired.update(range(first, first + size), range(start, end))
        elif opens:
            waiting[size] = start
    return paired


def is_speakable(text: str) -> bool:
    """Whether ``text`` has a letter or a digit."""
    return any(map(str.isalnum, text))
