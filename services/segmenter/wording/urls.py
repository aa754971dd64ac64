"""Addresses in running text: where they end, and the part of them worth hearing."""

import re
from typing import Final

URL: Final = re.compile(r"(?i:https?://|www\.)[^\s<>\"`|\[\]\x00-\x1f]++")

_HOST: Final = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.\-]{1,31}:)?(?://)?(?:[^\s/?#@]{0,64}@)?(?:www\.)?([^\s/?#:@()<>]++)",
    re.IGNORECASE,
)
_SPEAKABLE_HOST: Final = re.compile(r"[^\W_](?:[\w.-]{0,38}[^\W_])?")
_TRAILING: Final = ".,;:!?'\"*_~’”»"


def trimmed(text: str, start: int, end: int) -> int:
    """Return the end of the address ``text[start:end]`` without the sentence's punctuation.

    A closing parenthesis belongs to the address only if the address opened it.
    """
    surplus = text.count(")", start, end) - text.count("(", start, end)
    while end > start:
        last = text[end - 1]
        if last == ")" and surplus > 0:
            surplus -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return end


def host_of(url: str) -> str:
    """Return the host that is spoken for ``url``, without "www."; empty if it has none."""
    found = _HOST.match(url)
    if found is None:
        return ""
    host = found[1].rstrip(".").replace("_", "-")
    return host if "." in host and _SPEAKABLE_HOST.fullmatch(host) else ""
