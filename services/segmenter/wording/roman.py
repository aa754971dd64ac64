"""Roman numerals where they number something: "Chapter IV", or "IV." at the head of a heading."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from services.segmenter.wording.aligned import Edit

_VALUES: Final = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
    (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_LONGEST: Final = 15
_LEADING: Final = re.compile(r"\s*([IVXLC]{1,12})(?=[.:)]|\s*$|\s+[–—-]\s)")
_LETTERS: Final = frozenset("CLDM")


def number(numeral: str) -> int | None:
    """Return the value of a well-formed Roman numeral in capitals, else ``None``."""
    if not 0 < len(numeral) <= _LONGEST:
        return None
    value, rest = 0, numeral
    for worth, letters in _VALUES:
        while rest.startswith(letters):
            value += worth
            rest = rest.removeprefix(letters)
    return value if not rest and written(value) == numeral else None


def written(value: int) -> str:
    """Return ``value``, from 1 to 3999, as a Roman numeral."""
    numeral = ""
    for worth, letters in _VALUES:
        numeral += letters * (value // worth)
        value %= worth
    return numeral


def leading(heading: str) -> Iterator[Edit]:
    """Yield the edit of a numeral that opens ``heading``; a lone C, D, L or M is a letter."""
    found = _LEADING.match(heading)
    if found and found[1] not in _LETTERS and (value := number(found[1])):
        yield Edit(*found.span(1), str(value))


def numbered(words: Iterable[str]) -> Callable[[str], Iterator[Edit]]:
    """Return the rule for numerals right after one of ``words``, in lower case or capitals.

    A lone C, D, L or M is a letter.
    """
    names = "|".join(f"{re.escape(word)}|{re.escape(word.upper())}" for word in words)
    pattern = re.compile(rf"(?<!\w)(?:{names})\s+([IVXLC]+)\b", re.ASCII)

    def edits(text: str) -> Iterator[Edit]:
        for found in pattern.finditer(text):
            if found[1] not in _LETTERS and (value := number(found[1])):
                yield Edit(*found.span(1), str(value))

    return edits
