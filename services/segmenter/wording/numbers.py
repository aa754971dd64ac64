"""Numbers and the signs around them: money, percent, units, ranges, dates, years, operators."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from services.segmenter.wording.aligned import Edit
from services.segmenter.wording.vocabulary import Vocabulary

Rule = Callable[[str], Iterator[Edit]]

_DIGIT: Final = re.compile(r"\d", re.ASCII)
_ISO_DATE: Final = re.compile(r"(?<![\w-])(\d{4})-(\d\d)-(\d\d)(?![\w-])", re.ASCII)
_RANGE: Final = re.compile(
    r"(?<![\d.,])(?P<low>\d+(?:[.,]\d+)*+)(?P<dash>\s?[-–—]\s?)(?P<sign>[$€£]?)(?P<high>\d+(?:[.,]\d+)*+)",
    re.ASCII,
)
_ONE: Final = re.compile(r"(?<![\d.,])1\s?$")
_PHONE: Final = (3, 4)
_OPENING: Final = frozenset("(\"'“‘«")
_CLOSING: Final = frozenset(".,;:!?)\"'”’»")
_NOTES: Final = frozenset("ABCDEFG")
_LONGEST_CUE: Final = 12
_YEAR_DIGITS: Final = 4
_CHAIN_BEFORE: Final = frozenset("-–—/_")
_CHAIN_AFTER: Final = frozenset("-–—/_")
_CENT_DIGITS: Final = 3
_TEENS: Final = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ONES: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def rules(words: Vocabulary) -> list[Rule]:
    """Return the rules of a language, in the order of their precedence."""
    needy: list[Rule] = [_dates(words), _prices(words), _amounts(words), _measures(words)]
    needy += [_ranges(words), _thousands(words)]
    if words.year_words:
        needy.append(_years(words.year_words))

    def of_digits(text: str) -> Iterator[Edit]:
        if _DIGIT.search(text):
            for rule in needy:
                yield from rule(text)

    return [of_digits, _signs(words)]


def _dates(words: Vocabulary) -> Rule:
    def edits(text: str) -> Iterator[Edit]:
        for found in _ISO_DATE.finditer(text):
            year, month, day = (int(group) for group in found.groups())
            if _is_date(year, month, day):
                spoken = words.date.format(day=day, month=words.months[month - 1], year=year)
                yield Edit(*found.span(), spoken)

    return edits


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _prices(words: Vocabulary) -> Rule:
    """Read the sign before an amount after it: "$3.5 million" is "3.5 million dollars"."""
    pattern = re.compile(
        rf"(?:\b(?P<of>US|CA|AU|NZ|HK|A|C))?(?P<sign>{_any_of(words.currencies)})\s?"
        rf"(?P<whole>\d{{1,3}}(?:[,.\s]\d{{3}})+(?!\d)|\d+)(?P<part>[.,]\d+)?"
        rf"(?:\s?(?P<magnitude>{_any_of(words.magnitudes)})(?!\w))?",
        re.ASCII,
    )

    def edits(text: str) -> Iterator[Edit]:
        for found in pattern.finditer(text):
            if not text[found.start() - 1 : found.start()].isalnum():
                yield Edit(*found.span(), _price(found, words))

    return edits


def _price(found: re.Match[str], words: Vocabulary) -> str:
    whole = re.sub(r"\D", "", found["whole"])
    part, magnitude, sign = found["part"] or "", found["magnitude"], found["sign"]
    one, many = words.currencies[sign]
    country = f"{found['of']} " if found["of"] else ""
    if magnitude:
        name = f"{words.magnitudes[magnitude]}{words.magnitude_link}{country}{many}"
        return f"{whole}{part} {name}"
    cents = words.cents.get(sign)
    if cents and len(part) == _CENT_DIGITS:
        count = int(part[1:])
        small = f"{count} {cents[count != 1]}"
        if not int(whole) and count:
            return small
        large = f"{whole} {country}{one if int(whole) == 1 else many}"
        return f"{large}{words.cents_link}{small}" if count else large
    return f"{whole}{part} {country}{one if whole == '1' and not part else many}"


def _amounts(words: Vocabulary) -> Rule:
    """Name the sign after a number: currencies and percent."""
    pattern = re.compile(rf"\d(\s?(?:%|{_any_of(words.currencies)}))(?!\d)", re.ASCII)

    def edits(text: str) -> Iterator[Edit]:
        for found in pattern.finditer(text):
            sign = found[1].strip()
            pair = words.currencies.get(sign, (words.percent, words.percent))
            yield _named(text, found, pair)

    return edits


def _measures(words: Vocabulary) -> Rule:
    pattern = re.compile(rf"\d(\s?(?:{_any_of(words.units)}))(?![\w/²³°])", re.ASCII)

    def edits(text: str) -> Iterator[Edit]:
        for found in pattern.finditer(text):
            following = text[found.end() : found.end() + 1]
            if not following.isalnum():
                yield _named(text, found, words.units[found[1].strip()])

    return edits


def _named(text: str, found: re.Match[str], pair: tuple[str, str]) -> Edit:
    start, end = found.span(1)
    gap = "" if text[start].isspace() else " "
    start += not gap
    single = _ONE.search(text[max(0, start - 3) : start])
    return Edit(start, end, gap + (pair[0] if single else pair[1]))


def _ranges(words: Vocabulary) -> Rule:
    def edits(text: str) -> Iterator[Edit]:
        for found in _RANGE.finditer(text):
            if _is_range(text, found):
                yield Edit(*found.span("dash"), f" {words.to} ")

    return edits


def _is_range(text: str, found: re.Match[str]) -> bool:
    """Tell "1914-18" and "pp. 12-15" from phone numbers, scores, codes and subtractions."""
    low, high, dash = found["low"], found["high"], found["dash"]
    start, end = found.span()
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if before.isalpha() or before in _CHAIN_BEFORE or after[:1] in _CHAIN_AFTER:
        return False
    if after[:1].isalpha() and not after.startswith(("k", "m", "c", "g", "°")):
        return False
    if (len(low), len(high)) == _PHONE:
        return False
    years = len(low) == len(high) == _YEAR_DIGITS
    if dash.strip() == "-" and len(dash) > 1:
        return False
    if len(dash) > 1 and not years:
        return False
    short_year = len(low) == _YEAR_DIGITS and len(high) == len("18")
    return short_year or _value(high) > _value(low)


def _value(digits: str) -> float:
    whole = digits[:18].replace(",", "")
    return float(whole) if whole.count(".") <= 1 else 0.0


def _thousands(words: Vocabulary) -> Rule:
    """Leave out separators, which engines of other languages read as decimal marks."""
    separator = {",": ",", ".": r"\.", " ": r"[ \u00a0\u202f]"}[words.thousands or ","]
    pattern = re.compile(
        rf"(?<![\w.,])(?<!(?<!\d)\d{{3}}{separator})\d{{1,3}}(?:{separator}\d{{3}})++"
        rf"(?!\d|{separator}\d)",
        re.ASCII,
    )

    def edits(text: str) -> Iterator[Edit]:
        for found in pattern.finditer(text):
            yield Edit(*found.span(), re.sub(r"\D", "", found[0]))

    return edits


def _signs(words: Vocabulary) -> Rule:
    """Name mathematical and other signs, where they stand for words."""
    anywhere, between, before = words.symbols, words.operators, words.before_digit
    pattern = re.compile(_any_of({**anywhere, **between, **before}))

    def edits(text: str) -> Iterator[Edit]:
        for found in pattern.finditer(text):
            start, end = found.span()
            left, right = text[max(0, start - 1) : start], text[end : end + 1]
            name = _name_of_sign(found[0], text, start, words)
            if name:
                lead = "" if not left or left.isspace() or left in _OPENING else " "
                tail = "" if not right or right.isspace() or right in _CLOSING else " "
                yield Edit(start, end, lead + name + tail)

    return edits


def _name_of_sign(sign: str, text: str, position: int, words: Vocabulary) -> str:
    if sign in words.symbols:
        return words.symbols[sign]
    left, right = text[max(0, position - 2) : position], text[position + 1 : position + 3]
    spaced = left[-1:].isspace() and right[:1].isspace() and left.strip() and right.strip()
    inside = left[-1:].isdigit() and right[:1].isdigit()
    apart = spaced and left[0].isdigit() and right[-1].isdigit()
    if sign in words.operators and (inside or apart or (spaced and sign != "*")):
        return words.operators[sign]
    if sign == "#" and left[-1:] in _NOTES and not left[:-1].isalnum() and not right[:1].isalnum():
        return words.sharp
    if sign in words.before_digit and right[:1].isdigit() and not left[-1:].isalnum():
        return words.before_digit[sign]
    return ""


def _years(cues: Iterable[str]) -> Rule:
    """English reads years in pairs of digits: 1984 is "nineteen eighty-four"."""
    pattern = re.compile(
        r"(?P<decade>1[1-9]\d0)s(?!\w)|(?P<year>1[1-9]\d\d)(?![\w%°]|[.,:/–—-]\d)", re.ASCII
    )
    cue = re.compile(rf"(?<!\w)(?i:{'|'.join(cues)}),? $")

    def edits(text: str) -> Iterator[Edit]:
        for found in pattern.finditer(text):
            start, end = found.span()
            if found["decade"]:
                if not text[max(0, start - 1) : start].isalnum():
                    yield Edit(start, end, _decade(int(found["decade"])))
            elif cue.search(text, max(0, start - _LONGEST_CUE), start):
                yield Edit(start, end, year_in_words(int(found["year"])))

    return edits


def year_in_words(year: int) -> str:
    """Return an English year from 1100 to 1999 in words."""
    century, rest = divmod(year, 100)
    hundreds = _TEENS[century - 10]
    if rest == 0:
        return f"{hundreds} hundred"
    if rest < len(_TEENS):
        return f"{hundreds} oh {_ONES[rest - 1]}"
    if rest < 2 * len(_TEENS):
        return f"{hundreds} {_TEENS[rest - 10]}"
    tens, ones = divmod(rest, 10)
    unit = f"-{_ONES[ones - 1]}" if ones else ""
    return f"{hundreds} {_TENS[tens - 2]}{unit}"


def _decade(year: int) -> str:
    word = year_in_words(year)
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def _any_of(words: Mapping[str, object]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) or "(?!)"
