"""Splits the text of a page that is longer than any page may be."""

from collections.abc import Iterator, Sequence

from libs.common.contracts.pages import MAX_PAGE_BYTES

_SEPARATORS = ("\n\n", "\n", " ")


def page_parts(markdown: str, max_bytes: int = MAX_PAGE_BYTES) -> list[str]:
    """Return ``markdown`` in parts of at most ``max_bytes`` in UTF-8, nearly always one.

    Parts end at blank lines; what has none ends at lines, then at spaces, then anywhere. Pages are
    made shorter than that where their blocks are known; this holds whatever a document consists of.
    """
    if len(markdown) * 4 <= max_bytes or _size(markdown) <= max_bytes:
        return [markdown] if markdown else []
    return [part for part in _split(markdown, max_bytes, _SEPARATORS) if part.strip()]


def _split(text: str, max_bytes: int, separators: Sequence[str]) -> Iterator[str]:
    """Yield parts that end at the first of ``separators``, and within at the following ones."""
    if not separators:
        yield from _by_characters(text, max_bytes)
        return
    separator, *finer = separators
    packed, size = list[str](), 0
    for piece in text.split(separator):
        needed = _size(piece) + len(separator)
        if packed and size + needed > max_bytes:
            yield separator.join(packed).strip("\n")
            packed, size = [], 0
        if needed > max_bytes:
            yield from _split(piece, max_bytes, finer)
        else:
            packed.append(piece)
            size += needed
    if packed:
        yield separator.join(packed).strip("\n")


def _by_characters(text: str, max_bytes: int) -> Iterator[str]:
    step = max(1, max_bytes // 4)
    for start in range(0, len(text), step):
        yield text[start : start + step]


def _size(text: str) -> int:
    return len(text.encode())
