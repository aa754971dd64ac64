"""Names that browsers save files under: RFC 6266, with the encoding of RFC 8187."""

from unicodedata import category, normalize
from urllib.parse import quote

MAX_CHARACTERS = 120
RESERVED = set('/\\:*?"<>|%')
"""Separators and what Windows does not allow in names; % because browsers decode it."""

# Controls, format characters (some turn text around), surrogates, unassigned, separators.
UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def attachment(title: str, suffix: str, page: int | None = None) -> str:
    """Return the Content-Disposition of a download, named for a document and perhaps a page."""
    ending = f".{suffix}" if page is None else f" - {page:03d}.{suffix}"
    full = _safe(title) + ending
    plain = _safe(normalize("NFKD", _safe(title)).encode("ascii", "ignore").decode()) + ending
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(full, safe='')}"


def _safe(title: str) -> str:
    """Return what may stand in a header and name a file, whoever normalizes it later.

    So letters are judged by what they become: a fullwidth quotation mark is a quotation mark, and
    the sign for "not less than" is the one for "less than" with a stroke.
    """
    kept = (" " if _is_unsafe(letter) else letter for letter in normalize("NFKC", title))
    return " ".join("".join(kept).split())[:MAX_CHARACTERS].strip(" .") or "audio"


def _is_unsafe(letter: str) -> bool:
    reserved = not RESERVED.isdisjoint(normalize("NFKD", letter))
    return reserved or category(letter) in UNSAFE_CATEGORIES
