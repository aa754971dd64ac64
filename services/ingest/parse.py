"""One document in, its pages out: the only entry to the parsers. Pure: no network, no database."""

from collections.abc import Callable, Iterator
from pathlib import Path

from services.ingest import docx, epub, html, markdown, pdf, text
from services.ingest.document import Item
from services.ingest.language import preload as preload_language
from services.ingest.sniff import Kind, sniff


def parse_file(path: Path, filename: str | None = None) -> Iterator[Item]:
    """Yield the pages of a document in reading order, as they are read, then one Metadata.

    The kind is told by content. ``filename`` is what the owner called it: it decides between text
    and Markdown where the content leaves it open, and gives a title where there is none.

    Raises:
        Rejected: the document cannot be read; the message says why, to its owner.
    """
    kind, source = sniff(path, filename)
    match kind:
        case Kind.PDF:
            yield from pdf.parse(path, filename)
        case Kind.EPUB:
            yield from epub.parse(path, filename)
        case Kind.DOCX:
            yield from docx.parse(path, filename)
        case Kind.HTML:
            yield from html.parse(source, filename)
        case Kind.MARKDOWN:
            yield from markdown.parse(source, filename)
        case Kind.TEXT:
            yield from text.parse(source, filename)


def preload() -> None:
    """Load what a confined process cannot load any more: the language model, by way of a file."""
    preload_language()


def later_preloads() -> Iterator[Callable[[], object]]:
    """Yield what to call, one after another, so that no document waits for an import later."""
    yield markdown.preload
    yield html.preload
