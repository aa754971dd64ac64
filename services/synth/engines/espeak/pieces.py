"""Cuts a text where espeak-ng would lose, or crash on, the rest of it.

espeak-ng 1.52 works clause by clause in buffers of fixed size and drops, without a word, what does
not fit: 1,000 phonemes or 800 characters a clause, 200 phonemes or 160 bytes a word
(N_PHONEME_LIST, N_TR_SOURCE, N_WORD_PHONEMES and N_WORD_BYTES of its source). "A.A.A." of 400
characters smashes its stack. The costs below are upper estimates of phonemes, measured by the
length at which the audio stops growing with the text: 119 digits in words of seven are whole and
159 are not; 75 kanji and not 90; 45 kana and not 90; 25 emoji in a row and not 30.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_MAX_CLAUSE_COST = 900
_MAX_WORD_COST = 180
_MAX_COST_IN_CLAUSE, _MAX_COST_IN_WORD = 12, 8
_CLAUSE_ENDS = ".,;:!?"
_COSTLY = re.compile(f"[^A-Za-z\\s{_CLAUSE_ENDS}]")  # what may cost a clause more than 1
_WIDE_CLAUSE_ENDS = "。，；：！？、।؟،؛"
_SYLLABIC = (
    range(0x0E00, 0x1200),
    range(0x1780, 0x1800),
    range(0x3040, 0x3400),
    range(0xAC00, 0xD7B0),
)


class _Cost(NamedTuple):
    clause: int
    word: int | None  # None: ends the word
    breaks: bool  # a cut after it does little harm


@lru_cache(maxsize=4096)
def _cost(character: str) -> _Cost:
    category = unicodedata.category(character)
    if character.isspace():
        return _Cost(1, None, breaks=True)
    if character.isdigit():
        return _Cost(8, 8, breaks=False)
    if any(ord(character) in block for block in _SYLLABIC):
        return _Cost(5, 4, breaks=False)
    if category[0] in "MC":
        return _Cost(1, 1, breaks=False)
    if character in _CLAUSE_ENDS or character in _WIDE_CLAUSE_ENDS:
        return _Cost(1, 2, breaks=True)
    if category == "Lo" and unicodedata.east_asian_width(character) == "W":
        return _Cost(12, None, breaks=False)
    if category[0] == "L":
        return _Cost(1, 2, breaks=False)
    return _Cost(12, 7, breaks=category[0] == "P")


def cut(text: str) -> list[tuple[int, int]]:
    """Half-open ranges that cover ``text`` in order; one, unless a clause or word is too long."""
    if _is_short(text):
        return [(0, len(text))] if text else []
    pieces: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        end = _end_of_piece(text, start)
        pieces.append((start, end))
        start = end
    return pieces


def _is_short(text: str) -> bool:
    """Whether ``text`` needs no cut by the roughest estimate, which most sentences pass."""
    clause = len(text) + (_MAX_COST_IN_CLAUSE - 1) * len(_COSTLY.findall(text))
    word = _MAX_COST_IN_WORD * max(map(len, text.split()), default=0)
    return clause <= _MAX_CLAUSE_COST and word <= _MAX_WORD_COST


def _end_of_piece(text: str, start: int) -> int:
    clause = word = 0
    good = start
    for index in range(start, len(text)):
        cost = _cost(text[index])
        clause += cost.clause
        word = 0 if cost.word is None else word + cost.word
        if clause > _MAX_CLAUSE_COST or word > _MAX_WORD_COST:
            return good if good > start else max(index, start + 1)
        if cost.breaks:
            good = index + 1
        if _ends_clause(text, index):
            clause = 0
    return len(text)


def _ends_clause(text: str, index: int) -> bool:
    if text[index] in _WIDE_CLAUSE_ENDS:
        return True
    return text[index].isspace() and index > 0 and text[index - 1] in _CLAUSE_ENDS
