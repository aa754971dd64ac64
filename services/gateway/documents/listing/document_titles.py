"""Titles as people give them, and as they are searched and sorted by.

Both databases compare folded titles byte by byte, so that they find and order the same in any
script: SQLite knows upper case of ASCII alone, and PostgreSQL that of its locale.
"""

from unicodedata import category, normalize

from libs.common.contracts.details import BIDI_CONTROLS, MAX_TITLE_CHARACTERS
from libs.common.errors import Rejected
from services.gateway.documents.checks import NO_TEXT

LONGEST_SORT_KEY = 200
"""Characters of a folded title that the order of titles looks at: an index has room for them."""


def checked_title(given: str) -> str:
    """Return a title as it is kept: without spaces around it, otherwise as it was given.

    Raises:
        Rejected: It is empty, too long, or holds characters that no title has.
    """
    title = given.strip()
    if any(category(letter) in NO_TEXT for letter in title):
        raise Rejected(
            "bad_title",
            "A title is one line of text; remove line breaks, tabs and other control characters.",
        )
    if not BIDI_CONTROLS.isdisjoint(title):
        raise Rejected(
            "bad_title",
            "The title holds characters that change the direction of what follows it (U+202A to "
            "U+202E, U+2066 to U+2069); remove them.",
        )
    if not title:
        raise Rejected("bad_title", "A title needs a letter at least.")
    if len(title) > MAX_TITLE_CHARACTERS:
        raise Rejected(
            "bad_title",
            f"A title may have {MAX_TITLE_CHARACTERS} characters, and this one has "
            f"{len(title):,}; shorten it.",
        )
    return title


def folded_title(title: str) -> str:
    """Return what a title has in common with others that differ in case or in compatible forms.

    Source: Unicode 15, section 3.13, D146 (compatibility caseless match), near enough: letters that
    are ignored by default stay.
    """
    return normalize("NFKC", normalize("NFKC", title).casefold())


def sort_key(title: str) -> str:
    """Return what titles are sorted by: the beginning of the folded title."""
    return folded_title(title)[:LONGEST_SORT_KEY]
