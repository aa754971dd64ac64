"""Why a document is refused, in the words that its owner reads. The names are the codes."""

import errno
from enum import Enum

from libs.common.errors import Rejected


class Reason(Enum):
    """One row per code of ``document.rejected`` that reading a file can end with."""

    EMPTY = "The document is empty. Please choose one that contains text."
    NO_TEXT = (
        "No text was found in the document. If it is a scan, run text recognition (OCR) over it "
        "and try again."
    )
    ENCRYPTED = "The document is protected by a password or by DRM. Please use an open copy."
    DAMAGED = (
        "The file is damaged or incomplete and cannot be read. Please save or download it again."
    )
    UNSUPPORTED = (
        "This kind of file cannot be read. Please use a PDF, EPUB, Word (.docx), Markdown, HTML "
        "or plain text file."
    )
    UNSAFE = "The file is built in a way that only attacks use, so it was not opened."
    TOO_LARGE = "The document unpacks to more data than is allowed. Please split it into parts."
    TOO_COMPLEX = "Reading the document needs too much memory. Please split it into parts."
    TOO_SLOW = (
        "Reading the document takes too long. Please split it into parts, or use it as plain text."
    )
    UNREADABLE = (
        "The document could not be read because the program that reads it stopped. Please save it "
        "again, or in another format."
    )


def blames_file(error: OSError) -> bool:
    """Return whether an error that reading a file raised says something of its content.

    Libraries raise an OSError without a number for data that they cannot unpack, and a seek to
    before the start of a file is EINVAL. Any other number is the machine's, and may be gone soon.
    """
    return error.errno in (None, errno.EINVAL)


def rejected(reason: Reason, detail: str = "") -> Rejected:
    """Return the error for ``reason``; ``detail`` is one more sentence for the owner."""
    return Rejected(reason.name.lower(), f"{reason.value} {detail}".rstrip())
