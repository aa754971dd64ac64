"""Where a paragraph is cut: at the ends of sentences, and inside those that are too long.

Nothing is moved or dropped here: the result is a list of consecutive, disjoint ranges.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from sentencex import segment

from services.segmenter.wording.aligned import Aligned
from services.segmenter.wording.characters import is_speakable
from services.segmenter.wording.languages import primary, vocabulary_for
from services.segmenter.wording.vocabulary import Vocabulary

FEWEST_CHARACTERS: Final = 100
"""The smallest limit on an utterance; no announcement and no expansion is longer."""

_WINDOW: Final = 4000
_ORDINAL: Final = re.compile(r"(?:^|[^\w.,])\d{1,2}\.\s*$")
_NUMBERING: Final = re.compile(r"\s*\d{1,4}(?:\.\d{1,4}){0,4}\.\s*")
_FIRST_WORD: Final = re.compile(r"\W*(\w*)")
_CLAUSE_ENDS: Final = (
    re.compile(r"[;:][\"'”’)»]*\s|[；：]"),
    re.compile(r",[\"'”’)»]*\s|[，、،]"),
    re.compile(r"\s[–—-]{1,2}\s|—|(?<=[.!?…])[\"'”’)»]*\s|[。！？।]"),
)
_SPACE: Final = re.compile(r"\s")
_LONGEST_CLUSTER: Final = 32


class Cut(NamedTuple):
    """The range of one utterance; ``finished`` if a sentence ends with it."""

    start: int
    end: int
    finished: bool


def cuts(spoken: Aligned, language: str, limit: int) -> Iterator[Cut]:
    """Yield what becomes an utterance, in order, each at most ``limit`` characters long.

    Ranges without a letter or digit are left out.
    """
    words = vocabulary_for(language)
    for start, end in _sentences(spoken, language, words):
        for first, stop in _clauses(spoken, start, end, limit, words):
            trimmed = _trimmed(spoken.text, first, stop)
            if trimmed:
                yield Cut(*trimmed, stop == end)


def _sentences(spoken: Aligned, language: str, words: Vocabulary) -> Iterator[tuple[int, int]]:
    """Yield ranges that tile the text; what has no letter or digit stays with the one before."""
    text = spoken.text
    start, heard = 0, False
    ends = _sentence_ends(text, language)
    end = next(ends, None)
    last = 0
    while end is not None:
        heard = heard or is_speakable(text[last:end])
        last, following = end, next(ends, None)
        if following is None or (
            heard
            and spoken.may_cut(end)
            and is_speakable(text[end:following])
            and not _NUMBERING.fullmatch(text, start, end)
            and not (words.ordinal_periods and _is_ordinal(text, start, end, words))
        ):
            yield start, end
            start, heard = end, False
        end = following


def _sentence_ends(text: str, language: str) -> Iterator[int]:
    """Yield the ends that sentencex finds, the last being the end of ``text``.

    It is given a window at a time, because quotation marks and question marks in turn make it
    quadratic (2.3 s for 100,000 characters).
    """
    tag = primary(language)
    start = 0
    while start < len(text):
        stop = _window_end(text, start)
        sentences = segment(tag, text[start:stop])
        if stop == len(text):
            kept = sentences
        else:
            kept = sentences[:-1]
            start = stop if not kept else start
        for sentence in kept:
            start += len(sentence)
            yield start


def _window_end(text: str, start: int) -> int:
    stop = start + _WINDOW
    if stop >= len(text):
        return len(text)
    space = text.rfind(" ", start + _WINDOW // 2, stop)
    return space + 1 if space > 0 else stop


def _is_ordinal(text: str, start: int, end: int, words: Vocabulary) -> bool:
    """Whether the period at ``end`` makes a number an ordinal, as in "der 2. Weltkrieg"."""
    if not _ORDINAL.search(text[max(start, end - 6) : end]):
        return False
    following = _FIRST_WORD.match(text[end : end + 30])
    return following is not None and following[1] not in words.starters


def _clauses(
    spoken: Aligned, start: int, end: int, limit: int, words: Vocabulary
) -> Iterator[tuple[int, int]]:
    while end - start > limit:
        remaining = end - start
        target = start + (remaining // 2 if remaining <= 2 * limit else limit)
        cut = _best_cut(spoken, start, start + limit, target, words)
        if cut is None:
            cut = spoken.cut_before(_before_cluster(spoken.text, start, start + limit))
        yield start, cut
        start = cut
    if start < end:
        yield start, end


def _best_cut(spoken: Aligned, start: int, stop: int, target: int, words: Vocabulary) -> int | None:
    """Return the place nearest to ``target`` after the strongest mark within the limit.

    A mark in the first third of the limit is left alone: it would leave a stump.
    """
    window, earliest = spoken.text[start:stop], start + (stop - start) // 3
    for pattern in _CLAUSE_ENDS:
        places = [start + found.end() for found in pattern.finditer(window)]
        if (cut := _nearest(places, target, earliest, spoken)) is not None:
            return cut
    places = [start + found.start() + 1 for found in _before(words.conjunctions).finditer(window)]
    if (cut := _nearest(places, target, earliest, spoken)) is not None:
        return cut
    places = [start + found.end() for found in _SPACE.finditer(window)]
    return _nearest(places, target, start + 1, spoken)


def _nearest(places: Sequence[int], target: int, earliest: int, spoken: Aligned) -> int | None:
    for place in sorted(places, key=lambda place: abs(place - target)):
        if place >= earliest and spoken.may_cut(place):
            return place
    return None


@cache
def _before(conjunctions: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\s(?:{'|'.join(conjunctions) or '(?!)'})\s")


def _before_cluster(text: str, start: int, position: int) -> int:
    """Return ``position``, or a little less so that no letter loses its combining marks."""
    for place in range(position, max(start, position - _LONGEST_CLUSTER), -1):
        if not unicodedata.category(text[place]).startswith("M"):
            return place
    return position


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    part = text[start:end]
    if not is_speakable(part):
        return None
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())
