"""One document in, its pages out: the only entry to the parsers. Pure: no network, no database."""

from collections.abc import Callable, Iterator
from pathlib import Path

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


def parse_file(path: Path, filename: str | None = None) -> Iterator[Item]:
    """Yield the pages of a document in reading order, as they are read, then one Metadata.

    The format is told by content. ``filename`` is what the owner called it: it decides between text
    and Markdown where the content leaves it open, and gives a title where there is none.

    Raises:
        Rejected: the document cannot be read; the message says why, to its owner.
    """
    found, source = sniff(path, filename)
    match found:
        case DocumentFormat.PDF:
            yield from read_pdf(path, filename)
        case DocumentFormat.EPUB:
            yield from read_epub(path, filename)
        case DocumentFormat.DOCX:
            yield from read_docx(path, filename)
        case DocumentFormat.HTML:
            yield from read_html(source, filename)
        case DocumentFormat.MARKDOWN:
            yield from read_markdown(source, filename)
        case DocumentFormat.TEXT:
            yield from read_text(source, filename)


def preload() -> None:
    """Load what a confined process cannot load any more: the language model, by way of a file."""
    preload_language_model()


def later_preloads() -> Iterator[Callable[[], object]]:
    """Yield what to call, one after another, so that no document waits for an import later."""
    yield preload_markdown
    yield preload_html
