"""Words that were cut at the end of a line, made whole again."""

import re

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LAST_WORD = re.compile(r"(?<![\w-])[\w-]++\Z")
_FIRST_WORD = re.compile(r"\w+")
_LONGEST_WORD = 200
_COMPOUNDING = frozenset(("well", "self", "ex", "half", "all", "high", "low", "long", "short"))


class Dehyphenator:
    """Knows the words of the document so far, to tell ``well-known`` from ``infor-mation``."""

    def __init__(self) -> None:
        self._words: set[str] = set()

    def add(self, text: str) -> None:
        """Note the words of a page; a word cut at a line's end counts for nothing."""
        self._words.update(word.lower() for word in _WORD.findall(text))

    def join(self, left: str, right: str) -> str:
        """Join two lines of which the first was cut at a hyphen, which is not in ``left``."""
        first = _LAST_WORD.search(left, max(0, len(left) - _LONGEST_WORD))
        second = _FIRST_WORD.match(right)
        if first is None or second is None:
            return f"{left}-{right}" if left[-1:].isalnum() else f"{left}- {right}".strip()
        hyphenated, plain = f"{first[0]}-{second[0]}".lower(), f"{first[0]}{second[0]}".lower()
        seen = hyphenated in self._words or first[0].lower() in _COMPOUNDING
        keep = (seen and plain not in self._words) or not right[0].islower()
        return f"{left}-{right}" if keep else f"{left}{right}"
