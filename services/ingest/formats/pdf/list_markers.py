"""The markers that list items begin with: bullets and numbers."""

import re

_MARKER = re.compile(
    r"(?P<bullet>[•‣◦▪▫●○■□–—*·➢✓-])|\(?(?P<number>\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]"
)


def is_list_marker(text: str) -> bool:
    """Say whether a fragment is nothing but a list marker."""
    return _MARKER.fullmatch(text.strip()) is not None


def split_list_marker(text: str) -> tuple[str, str] | None:
    """Return a list item's marker in Markdown and its text, or None if it has no marker."""
    match = _MARKER.match(text)
    if match is None or not text[match.end() : match.end() + 1].isspace():
        return None
    rest = text[match.end() :].strip()
    if match["bullet"]:
        return "- ", rest
    if match["number"].isdigit():
        return f"{int(match['number'])}. ", rest
    return None
