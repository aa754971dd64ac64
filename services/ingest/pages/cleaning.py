"""Characters that no page may hold, and the whitespace rules that all pages obey."""

import re
import sys
import unicodedata

_INVISIBLE = "\u00ad\u200b\u200e\u200f\u2060\ufeff" + "".join(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)
_SPACES = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_BREAKS = "\u000b\u000c\u0085\u2028\u2029"


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {
        code: None
        for code in (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000))
        if code not in (0x09, 0x0A)
    }
    table |= {code | 0xFFFE: None for code in range(0, sys.maxunicode, 0x10000)}
    table |= {code | 0xFFFF: None for code in range(0, sys.maxunicode, 0x10000)}
    table |= dict.fromkeys(range(64976, 65008))
    table |= {ord(char): None for char in _INVISIBLE}
    table |= {ord(char): " " for char in _SPACES}
    return table | {ord(char): "\n" for char in _BREAKS}


_TABLE = _table()
_TRAILING = re.compile(r"(?<![ \t])[ \t]++(?=\n|\Z)")
_NEWLINES = re.compile(r"\n{3,}")
_NAME_LIMIT = 300


def clean(text: str) -> str:
    r"""Return ``text`` in NFC without control and invisible characters; line ends become ``\n``.

    Soft hyphens, byte order marks, bidirectional marks, lone surrogates and non-characters go;
    every kind of space becomes a plain one. Joiners stay: Persian and emoji need them.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE)
    return unicodedata.normalize("NFC", text)


def tidy(markdown: str) -> str:
    """Return a page's final form: clean, no trailing blanks, at most one empty line in a row."""
    return _NEWLINES.sub("\n\n", _TRAILING.sub("", clean(markdown))).strip("\n")


def one_line(text: str | None, limit: int = _NAME_LIMIT) -> str:
    """Return a title or a name as one clean line of at most ``limit`` characters."""
    line = " ".join(clean(text or "").split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
