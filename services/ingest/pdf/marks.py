"""The marks that list items begin with."""

import re

_MARK = re.compile(
    r"(?P<bullet>[•‣◦▪▫●○■□–—*·➢✓-])|\(?(?P<number>\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]"
)


def is_mark(text: str) -> bool:
    """Say whether a fragment is nothing but the mark of a list item."""
    return _MARK.fullmatch(text.strip()) is not None


def split_mark(text: str) -> tuple[str, str] | None:
    """Return the Markdown mark of a list item and its text, or None if it has no mark."""
    match = _MARK.match(text)
    if match is None or not text[match.end() : match.end() + 1].isspace():
        return None
    rest = text[match.end() :].strip()
    if match["bullet"]:
        return "- ", rest
    if match["number"].isdigit():
        return f"{int(match['number'])}. ", rest
    return None
