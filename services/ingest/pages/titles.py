"""What a document is called: by its owner, else by itself, else by its file."""

import re

from libs.common.contracts.details import title_of
from services.ingest.pages.cleaning import one_line


def filename_title(filename: str | None) -> str:
    """Return a title made from a file name: ``my_book-v2.txt`` -> ``my book-v2``."""
    name = re.split(r"[/\\]", filename or "")[-1]
    stem = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", name)
    return one_line(stem.replace("_", " "))


def document_title(given: str | None, found: str, filename: str | None) -> str:
    """Return the title of a document.

    ``given`` is what the owner calls it, ``found`` what its text does; either may be empty.
    """
    return title_of(given, found, filename_title(filename))
