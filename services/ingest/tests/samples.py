"""Builds small documents of every kind for the tests."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from services.ingest.formats.parse import parse_file
from services.ingest.pages.document import Metadata, Page

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0"'
    ' xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
XHTML = 'xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"'
SENTENCE = "The ferry left the harbor before dawn and nobody on the quay said a word about it. "


def read(path: Path, filename: str | None = None) -> tuple[list[Page], Metadata]:
    """Parse a file and hold it against the promises of every parser."""
    with path.open("rb") as file:
        *pages, metadata = parse_file(file, filename or path.name)
    assert isinstance(metadata, Metadata)
    found = [page for page in pages if isinstance(page, Page)]
    assert len(found) == len(pages)
    assert [page.number for page in found] == list(range(1, len(found) + 1))
    for page in found:
        assert page.markdown.strip()
        assert "\n\n\n" not in page.markdown
        assert not any(char < " " and char not in "\n\t" for char in page.markdown)
    numbers = [chapter.first_page for chapter in metadata.chapters]
    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= len(found) for number in numbers)
    return found, metadata


def zip_file(path: Path, members: Iterable[tuple[str, bytes | str]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def page_xhtml(body: str) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html {XHTML}>'
        f"<head><title>x</title></head><body>{body}</body></html>"
    )


def epub(
    path: Path,
    chapters: Sequence[tuple[str, str]],
    *,
    toc: str | None = None,
    language: str | None = "en",
    extra: Sequence[tuple[str, bytes | str]] = (),
    spine: str = "",
) -> Path:
    """Write an EPUB 3 of (title in the contents, body) pairs; an empty title is left out of it."""
    links = "".join(
        f'<li><a href="text/c{at}.xhtml">{title}</a></li>'
        for at, (title, _) in enumerate(chapters)
        if title
    )
    items = "".join(
        f'<item id="c{at}" href="text/c{at}.xhtml" media-type="application/xhtml+xml"/>'
        for at in range(len(chapters))
    )
    refs = "".join(f'<itemref idref="c{at}"/>' for at in range(len(chapters)))
    tongue = f"<dc:language>{language}</dc:language>" if language else ""
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Harbor</dc:title>'
        f"<dc:creator>Ida Berg</dc:creator>{tongue}</metadata><manifest>"
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="cover" href="cover.png" media-type="image/png" properties="cover-image"/>'
        f'{items}</manifest><spine><itemref idref="nav"/>{refs}{spine}</spine></package>'
    )
    nav = f'<nav epub:type="toc"><h1>Contents</h1><ol>{toc or links}</ol></nav>'
    members: list[tuple[str, bytes | str]] = [
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", CONTAINER),
        ("OEBPS/content.opf", package),
        ("OEBPS/cover.png", b"\x89PNG cover"),
        ("OEBPS/nav.xhtml", page_xhtml(nav)),
    ]
    members += [
        (f"OEBPS/text/c{at}.xhtml", page_xhtml(body)) for at, (_, body) in enumerate(chapters)
    ]
    return zip_file(path, [*members, *extra])


def pdf(path: Path, pages: Sequence[Sequence[str]], *, size: float = 11, **lines: str) -> Path:
    """Write a PDF with one text line per string; ``header``/``footer`` get the page number."""
    canvas = Canvas(str(path), pagesize=A4)
    for number, page in enumerate(pages, 1):
        canvas.setFont("Helvetica", size)
        if "header" in lines:
            canvas.drawString(72, A4[1] - 36, lines["header"].format(number))
        if "footer" in lines:
            canvas.drawCentredString(A4[0] / 2, 30, lines["footer"].format(number))
        for at, line in enumerate(page):
            canvas.drawString(72, A4[1] - 90 - at * size * 1.3, line)
        canvas.showPage()
    canvas.save()
    return path


def docx_file(path: Path, document: object) -> Path:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    path.write_bytes(buffer.getvalue())
    return path
