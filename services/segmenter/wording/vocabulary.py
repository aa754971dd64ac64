"""What the segmenter knows of a language; a language without a table is left to the engine.

Everything here is data. ``normalize`` says how it is used; one module per language fills it in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Words and habits of one language.

    Abbreviations are written without their final period. A unit or currency is a pair: the word
    for exactly one, the word for any other number.
    """

    language: str
    function_words: frozenset[str]
    """Lower case; frequent, and rare in neighboring languages."""
    starters: frozenset[str]
    """Words that open sentences, capitalized: after them the period before was a full stop."""
    conjunctions: tuple[str, ...]
    """A long clause may be cut before these."""

    link: str = "{host}"
    footnote: str = ""
    code: str = ""
    done: str = ""
    to_do: str = ""

    abbreviations: Mapping[str, str] = field(default_factory=dict)
    """Expanded wherever they stand."""
    closing: Mapping[str, str] = field(default_factory=dict)
    """Expanded too; these often end a sentence, whose period is then kept."""
    before_number: Mapping[str, str] = field(default_factory=dict)
    """Expanded only when a number follows."""
    month_abbreviations: Mapping[str, str] = field(default_factory=dict)
    """Expanded only next to a number."""
    months: tuple[str, ...] = ()
    date: str = ""
    """How an ISO date is spoken: ``{day}``, ``{month}``, ``{year}``."""

    to: str = ""
    percent: str = ""
    thousands: Literal[",", ".", " ", ""] = ""
    units: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    currencies: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    cents: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    magnitudes: Mapping[str, str] = field(default_factory=dict)
    cents_link: str = ""
    magnitude_link: str = " "
    symbols: Mapping[str, str] = field(default_factory=dict)
    """Spoken wherever they stand."""
    operators: Mapping[str, str] = field(default_factory=dict)
    """Spoken only between numbers, or with a space on both sides."""
    before_digit: Mapping[str, str] = field(default_factory=dict)
    """Spoken only right before a digit."""
    sharp: str = ""
    """How "#" is spoken after the name of a note, as in "C#"."""
    numbered: tuple[str, ...] = ()
    """What carries Roman numerals: chapters, parts, acts."""
    year_words: tuple[str, ...] = ()
    """Words before a number that is a year, where years are read in pairs of digits."""
    ordinal_periods: bool = False
    """Whether "3." is an ordinal, so that its period ends no sentence."""


def words(text: str) -> frozenset[str]:
    """Return the words of ``text``, which are separated by spaces."""
    return frozenset(text.split())
