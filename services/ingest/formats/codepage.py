"""Which code page of the Latin script a text without declared encoding is written in."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import islice

_WESTERN = (
    "àâæçèéêëîïôœùûüÿ",  # French
    "äöüßé",  # German
    "áéíñóúü",  # Spanish, Irish
    "åäöéàü",  # Swedish, Finnish
    "æøåéó",  # Danish, Norwegian
    "àáâãçéêíóôõú",  # Portuguese
    "àèéìòù",  # Italian
    "àçèéíïòóúü",  # Catalan
    "ëéïöüèá",  # Dutch
    "áæðéíóöþúý",  # Icelandic
    "äõöüšž",  # Estonian
)
_CENTRAL = (
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíĺľňóôŕšťúýž",  # Slovak
    "áéíóöőúüű",  # Hungarian
    "ăâîşţ",  # Romanian
    "čćđšž",  # Croatian, Slovenian
)
_LANGUAGES = {  # the first one stays unless a later one is clearly better
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859_2": _CENTRAL,
    "iso8859_15": _WESTERN,
    "cp1254": ("çğıİöşüâîû",),  # Turkish
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž"),  # Lithuanian, Latvian
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
}
_FAMILIAR = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüßœ")
_FINAL = "ìù"  # they end a word; ě and ů, which have the same bytes, stand inside
_MARKS = frozenset("“”‘’‚„‹›«»–—…•·§©®™°£€¡¿\xa0\xad¼½¾±×²³¹ªº¥¢†‡¶")
_JOINING = "’–—…·\xad\xa0"
_OPENING = "¿¡£¼½¾„‚"  # no letter before them
_CLOSING = "£©®°±²³¹º¼½¾"  # no letter after them, except after a number

_HIGH = re.compile(rb"[\x80-\xff]{1,64}")
_HIGH_BYTES = bytes(range(128, 256))
_SLICES = 64
_MIN_SLICE = 4096
_RUNS_IN_SLICE = 50
_MAX_HIGH_SHARE = 1 / 3
_LONG_RUN = 4
_MIN_SCORE = 0.5
_MARGIN = 0.05
_IMPLAUSIBLE = -2.0
_IN_ANOTHER_LANGUAGE = 0.75

_Score = dict[bytes, float]


def latin_page(data: bytes) -> str | None:
    """Return the code page of a text in Latin script, or None if it looks like another script.

    Every byte from 0x80 is decoded with each code page and judged with its two neighbors. A letter
    of the language that fits the text best gets 1, as does a punctuation mark where one may stand.
    An upper-case letter inside a lower-case word, a symbol inside a word, a control character or
    an undefined byte gets -2, anything else 0. For Western code pages, where names of other
    languages are common, letters of these get nearly 1. Only another code page that is no worse
    at the bytes it reads differently and better at all of them together takes the place of cp1252.
    """
    high = len(data) - len(data.translate(None, _HIGH_BYTES))
    letters = len(data) - len(data.translate(None, string.ascii_letters.encode()))
    if not high or high >= _MAX_HIGH_SHARE * (letters + high):
        return None
    runs = list(_sampled_runs(data))
    if _mostly_long(runs):
        return None
    contexts = _contexts(runs)
    best, score = "", _Score()
    for page, languages in _LANGUAGES.items():
        other = _scored(contexts, page, languages)
        if not best or _clearly_better(contexts, (page, other), (best, score)):
            best, score = page, other
    total = sum(score[context] * count for context, count in contexts.items())
    return best if total >= _MIN_SCORE * contexts.total() else None


def _sampled_runs(data: bytes) -> Iterator[bytes]:
    """Yield runs of high bytes from all over the text, each with the byte before and after."""
    step = max(_MIN_SLICE, len(data) // _SLICES + 1)
    for start in range(0, len(data), step):
        for match in islice(_HIGH.finditer(data, start, start + step), _RUNS_IN_SLICE):
            before = data[match.start() - 1 : match.start()] or b"\n"
            yield before + match[0] + (data[match.end() : match.end() + 1] or b"\n")


def _mostly_long(runs: list[bytes]) -> bool:
    """Say whether most high bytes stand next to each other, as in words of another script."""
    lengths = [len(run) - 2 for run in runs]
    long = sum(
        length
        for run, length in zip(runs, lengths, strict=True)
        if length >= _LONG_RUN and len(set(run[1:-1])) > 1
    )
    return long > sum(lengths) / 2


def _contexts(runs: list[bytes]) -> Counter[bytes]:
    return Counter(run[at - 1 : at + 2] for run in runs for at in range(1, len(run) - 1))


def _scored(contexts: Counter[bytes], page: str, languages: tuple[str, ...]) -> _Score:
    """Score every context as read with ``page``, in the language that has most of the letters."""
    texts = {context: context.decode(page, "replace") for context in contexts}
    letters: Counter[str] = Counter()
    for context, text in texts.items():
        letters[text[1].lower()] += contexts[context]
    alphabet = max(languages, key=lambda language: sum(letters[letter] for letter in language))
    rest = _FAMILIAR if languages is _WESTERN else frozenset[str]()
    return {context: _points(text, alphabet, rest) for context, text in texts.items()}


def _points(text: str, alphabet: str, rest: frozenset[str]) -> float:
    before, char, after = text[0], text[1], text[2]
    if char == "\ufffd" or unicodedata.category(char) == "Cc":
        return _IMPLAUSIBLE
    if not unicodedata.category(char).startswith(("Lu", "Ll")):
        return _points_of_mark(before, char, after)
    if (before.islower() and char.isupper()) or (
        before.isupper() and char.islower() and after.isupper()
    ):
        return _IMPLAUSIBLE
    if before.isdigit() or after.isdigit() or (char in _FINAL and after.isalpha()):
        return 0.0
    if char in alphabet or char.lower() in alphabet:
        return 1.0
    return _IN_ANOTHER_LANGUAGE if char.lower() in rest else 0.0


def _points_of_mark(before: str, char: str, after: str) -> float:
    inside = before.isalpha() and after.isalpha() and char not in _JOINING
    opens = char in _OPENING and before.isalpha()
    closes = char in _CLOSING and after.isalpha() and not before.isdigit()
    if inside or opens or closes or char == "¤":
        return _IMPLAUSIBLE
    return 1.0 if char in _MARKS else 0.0


def _clearly_better(
    contexts: Counter[bytes], other: tuple[str, _Score], best: tuple[str, _Score]
) -> bool:
    gained, gained_by_differing, differing = 0.0, 0.0, 0
    for context, count in contexts.items():
        gain = count * (other[1][context] - best[1][context])
        gained += gain
        byte = context[1:2]
        if byte.decode(other[0], "replace") != byte.decode(best[0], "replace"):
            gained_by_differing += gain
            differing += count
    return gained_by_differing >= 0 and gained > _MARGIN * differing > 0
