"""One document in, its pages out: the only entry to the parsers. Pure: no network, no database."""

import encodings
from codecs import lookup
from collections.abc import Iterator
from contextlib import suppress
from pkgutil import iter_modules
from typing import BinaryIO

from services.ingest.formats.document_format import DocumentFormat
from services.ingest.formats.docx.reader import read_docx
from services.ingest.formats.epub.reader import read_epub
from services.ingest.formats.html import preload_html, read_html
from services.ingest.formats.markdown import preload_markdown, read_markdown
from services.ingest.formats.pdf.reader import read_pdf
from services.ingest.formats.sniff import sniff
from services.ingest.formats.text import read_text
from services.ingest.pages.document import Item
from services.ingest.pages.document_language import preload_language_model


def parse_file(file: BinaryIO, filename: str | None = None) -> Iterator[Item]:
    """Yield the pages of a document in reading order, as they are read, then one Metadata.

    ``file`` is one of the system's, at its start. No other file is opened: see :func:`preload`.
    The format is told by content. ``filename`` is what the owner called it: it decides between text
    and Markdown where the content leaves it open, and gives a title where there is none.

    Raises:
        Rejected: the document cannot be read; the message says why, to its owner.
    """
    found, source = sniff(file, filename)
    match found:
        case DocumentFormat.PDF:
            yield from read_pdf(file, filename)
        case DocumentFormat.EPUB:
            yield from read_epub(file, filename)
        case DocumentFormat.DOCX:
            yield from read_docx(file, filename)
        case DocumentFormat.HTML:
            yield from read_html(source, filename)
        case DocumentFormat.MARKDOWN:
            yield from read_markdown(source, filename)
        case DocumentFormat.TEXT:
            yield from read_text(source, filename)


def preload() -> None:
    """Load all that parsers use: a process that may open no file cannot load it any more."""
    preload_language_model()
    preload_markdown()
    preload_html()
    for module in iter_modules(encodings.__path__):
        with suppress(LookupError):  # of another system, or no encoding
            lookup(module.name)
