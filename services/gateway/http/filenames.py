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
    name = _safe(title)[:MAX_CHARACTERS].strip(" .") or "audio"
    if page is not None:
        name = f"{name} - {page:03d}"
    full = f"{name}.{suffix}"
    plain = normalize("NFKD", full).encode("ascii", "ignore").decode()
    if plain.strip(" .") == suffix or plain.startswith((".", " ")):
        plain = f"audio{plain.rstrip()}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(full, safe='')}"


def _safe(title: str) -> str:
    kept = (" " if _is_unsafe(letter) else letter for letter in title)
    return " ".join("".join(kept).split())


def _is_unsafe(letter: str) -> bool:
    return letter in RESERVED or category(letter) in UNSAFE_CATEGORIES
