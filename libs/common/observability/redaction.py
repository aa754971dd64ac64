"""Takes secrets out of what is logged or shown: the last step before a line is written.

Three nets, one behind the other: values known to be secret, fields whose names say so, and shapes
of text (:mod:`.secret_patterns`). Nothing here raises, and the cost is bounded.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from libs.common.observability.secret_patterns import MASK, is_secret_name, mask_patterns

SHORTEST_SECRET = 4
LONG_TEXT = 64 * 1024
CUT_TEXT = 16 * 1024
MAX_DEPTH = 8
MAX_ITEMS = 2_000
ROUNDS = 4
PAIR = 2
CUT = "[cut]"


class Redactor:
    """Masks secrets in text and in nested values. Safe to share between threads."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        self.register(secrets)

    def register(self, secrets: Iterable[str]) -> None:
        """Mask these values from now on, also where they are quoted for a URL, JSON or Python.

        Values shorter than four characters are left out, because they would be found in any word,
        and so are parts of the mask itself.
        """
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= SHORTEST_SECRET
            for spelling in _spellings(secret)
            if spelling not in MASK
        }
        # Longest first: a secret may be part of another one.
        self._secrets = tuple(
            sorted(spellings | {*self._secrets}, key=lambda spelling: (-len(spelling), spelling))
        )

    def text(self, text: str) -> str:
        """Return ``text`` without secrets; if it is very long, without most of it."""
        try:
            return self._text(text)
        except Exception:  # whatever is wrong with the text, a log line must come out
            return MASK

    def value(self, value: Any) -> Any:
        """Return ``value`` as plain dicts, lists, strings and numbers, without secrets."""
        try:
            return _Walk(self).visit(value, MAX_DEPTH)
        except Exception:  # as above: a __str__ or a mapping of somebody else failed
            return MASK

    def knows(self, text: str) -> bool:
        """Tell whether a registered secret is in ``text``."""
        return any(secret in text for secret in self._secrets)

    def _text(self, text: str) -> str:
        text = self._without_known(text)
        if len(text) > LONG_TEXT:
            text = f"{_cut(text)} {CUT}"
        for _ in range(ROUNDS):
            before, text = text, self._without_known(mask_patterns(text))
            if text == before:
                return text
        # Masking went on to make new matches, which takes a secret that resembles the mask.
        return MASK if self.knows(text) else text

    def _without_known(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text


class _Walk:
    """One walk through a nested value, with a limit on what it looks at."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._left = MAX_ITEMS

    def visit(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return MASK if self._redactor.knows(str(value)) else value
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._inside(value, depth - 1)
        return self._redactor.text(_as_text(value))

    def _inside(self, value: Any, depth: int) -> Any:
        if depth < 0 or self._left < 0:
            return CUT
        if isinstance(value, Mapping):
            return {
                self._redactor.text(_as_text(name)): self._field(_as_text(name), part, depth)
                for name, part in self._counted(value.items())
            }
        if isinstance(value, list | tuple) and len(value) == PAIR:
            return self._pair(value[0], value[1], depth)
        return [self.visit(part, depth) for part in self._counted(value)]

    def _pair(self, first: Any, second: Any, depth: int) -> list[Any]:
        """Visit what may be a header, a name and its value."""
        shown = self.visit(first, depth)
        if isinstance(first, str | bytes):
            return [shown, self._field(_as_text(first), second, depth)]
        return [shown, self.visit(second, depth)]

    def _field(self, name: str, value: Any, depth: int) -> Any:
        empty = value is None or isinstance(value, bool) or value in ("", b"")
        return MASK if is_secret_name(name) and not empty else self.visit(value, depth)

    def _counted(self, items: Iterable[Any]) -> Iterable[Any]:
        for item in items:
            if self._left < 0:
                return
            yield item


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }


def _as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="backslashreplace")
    return str(value)


def _cut(text: str) -> str:
    """Return the beginning, up to a space, so that no half of a token is left at its end."""
    kept = text[:CUT_TEXT]
    return kept[: max(kept.rfind(" "), kept.rfind("\n"), CUT_TEXT // 2)]


redactor = Redactor()
"""The one of this process: :mod:`.telemetry` registers the secrets of the settings."""
