"""Writing turned into what a reader would say: abbreviations, numerals, symbols.

Done before sentences are found, so that no period of an abbreviation ends one. Only what engines
are known to misread is touched: plain numbers, decimals, clock times and ordinals stay as they
are, because every engine reads them in its own language.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from operator import itemgetter
from typing import Final

from services.segmenter.wording import numbers, roman
from services.segmenter.wording.aligned import Edit
from services.segmenter.wording.languages import SILENT, vocabulary_for
from services.segmenter.wording.vocabulary import Vocabulary

Rule = Callable[[str], Iterator[Edit]]

_NEXT_WORD: Final = re.compile(r"[\"'”’)]*+(?:\s++|\Z)[\"'“‘(¿¡]*+(\w*+)")
_NAME_FOLLOWS: Final = re.compile(r"\s[^\W\d_]+")
_INITIAL_BEFORE: Final = re.compile(r"(?:^|\W)[^\W\d_]\.\s?$")
_SAINT: Final = re.compile(r"(?<![\w.])St\.(?!\w)")
_NAME_BEFORE: Final = re.compile(r"(?:^|\W)([A-Z][a-z]+|\d+(?:st|nd|rd|th)) $")
_WORD_REACH: Final = 40


def spoken_edits(text: str, language: str, *, heading: bool = False) -> list[Edit]:
    """Return the edits that turn ``text`` into words, sorted; earlier rules win ties."""
    rules = _rules(vocabulary_for(language).language)
    edits = [edit for rule in rules for edit in rule(text)]
    if heading and rules:
        edits.extend(roman.leading(text))
    edits.sort(key=itemgetter(0))
    return edits


@cache
def _rules(language: str) -> tuple[Rule, ...]:
    words = vocabulary_for(language)
    if words is SILENT:
        return ()
    rules: list[Rule] = [_abbreviations(words), _months(words)]
    if language == "en":
        rules.append(_saint_or_street)
    rules.extend(numbers.rules(words))
    rules.append(roman.numbered(words.numbered))
    return tuple(rules)


def _abbreviations(words: Vocabulary) -> Rule:
    always = {**words.abbreviations, **words.closing}
    pattern = re.compile(
        rf"(?<![\w.])(?:({_any_of(always)})\.(?!\w)|({_any_of(words.before_number)})\.(?=\s?\d))"
    )

    def edits(text: str) -> Iterator[Edit]:
        for found in pattern.finditer(text):
            start, end = found.span()
            key = " ".join((found[1] or found[2]).split())
            if found[2]:
                space = "" if text[end].isspace() else " "
                yield Edit(start, end, words.before_number[key] + space)
            elif len(key) > 1 or _is_title(text, start, end):
                stop = "." if key in words.closing and _ends_sentence(text, end, key, words) else ""
                yield Edit(start, end, always[key] + stop)

    return edits


def _is_title(text: str, start: int, end: int) -> bool:
    """Whether one letter is a title, as in "M. Dupont", and no initial, as in "J. M. Coetzee"."""
    following = _NAME_FOLLOWS.match(text, end)
    return (
        following is not None
        and following[0][1].isupper()
        and len(following[0]) > len(" X")
        and not _INITIAL_BEFORE.search(text[max(0, start - 5) : start])
    )


def _ends_sentence(text: str, end: int, key: str, words: Vocabulary) -> bool:
    following = _NEXT_WORD.match(text[end : end + _WORD_REACH])
    if following is None:
        return False
    word = following[1]
    if not word:
        return end + following.end() >= len(text)
    if word in words.starters:
        return True
    return word[0].isupper() and words.closing[key].islower() and not words.ordinal_periods


def _months(words: Vocabulary) -> Rule:
    names = _any_of(words.month_abbreviations)
    pattern = re.compile(rf"(?<!\w)({names})\.(?=,?\s?\d)|(?<=\d\s)({names})\.(?!\w)")

    def edits(text: str) -> Iterator[Edit]:
        for found in pattern.finditer(text):
            yield Edit(*found.span(), words.month_abbreviations[found[1] or found[2]])

    return edits


def _saint_or_street(text: str) -> Iterator[Edit]:
    """A street follows its name and ends a phrase; a saint stands before a name."""
    for found in _SAINT.finditer(text):
        start, end = found.span()
        name = text[end + 1 : end + 2].isupper() and text[end].isspace()
        named = _NAME_BEFORE.search(text[max(0, start - _WORD_REACH) : start])
        if name and not (named and _next_word(text, end) in _english_starters()):
            yield Edit(start, end, "Saint")
        elif named:
            yield Edit(start, end, "Street." if end == len(text) or name else "Street")


def _next_word(text: str, end: int) -> str:
    following = _NEXT_WORD.match(text[end : end + _WORD_REACH])
    return following[1] if following else ""


def _english_starters() -> frozenset[str]:
    return vocabulary_for("en").starters


def _any_of(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", r"\s") for word in longest_first) or r"(?!)"
