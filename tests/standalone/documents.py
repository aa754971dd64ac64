"""Small documents of every type, with two chapters and one title."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
from reportlab.lib.pagesizes import A5
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

TITLE = "The Lighthouse Keeper"
OPS = "http://www.idpf.org/2007/ops"
CHAPTERS = {
    "The Arrival": (
        "The boat came in on a gray morning, and nobody stood on the pier. "
        "A lamp was burning in the tower, although the sun had long risen."
    ),
    "The Storm": (
        "In the second week the wind turned to the north. "
        "Waves climbed over the wall, and the windows sang all night."
    ),
}


def markdown(folder: Path) -> Path:
    text = "\n\n".join(f"## {title}\n\n{body}" for title, body in CHAPTERS.items())
    return _write(folder / "keeper.md", f"# {TITLE}\n\n{text}\n")


def text(folder: Path) -> Path:
    return _write(folder / "keeper.txt", "\n\n".join([TITLE, *CHAPTERS.values()]) + "\n")


def html(folder: Path) -> Path:
    sections = "".join(f"<h2>{title}</h2><p>{body}</p>" for title, body in CHAPTERS.items())
    return _write(
        folder / "keeper.html",
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title></head>'
        f"<body><article><h1>{TITLE}</h1>{sections}</article></body></html>",
    )


def epub(folder: Path) -> Path:
    path = folder / "keeper.epub"
    names = [f"chapter{number}" for number in range(1, len(CHAPTERS) + 1)]
    items = "".join(
        f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in names
    )
    links = "".join(
        f'<li><a href="{name}.xhtml">{title}</a></li>'
        for name, title in zip(names, CHAPTERS, strict=True)
    )
    order = "".join(f'<itemref idref="{name}"/>' for name in names)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">keeper</dc:identifier><dc:title>{TITLE}</dc:title>'
        "<dc:language>en</dc:language><dc:creator>A. Writer</dc:creator></metadata>"
        f'<manifest>{items}<item id="nav" href="nav.xhtml" properties="nav" '
        'media-type="application/xhtml+xml"/></manifest>'
        f"<spine>{order}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
        '<rootfiles><rootfile full-path="book.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("book.opf", package)
        archive.writestr(
            "nav.xhtml",
            _xhtml(f'<nav xmlns:e="{OPS}" e:type="toc"><ol>{links}</ol></nav>'),
        )
        for name, (title, body) in zip(names, CHAPTERS.items(), strict=True):
            archive.writestr(f"{name}.xhtml", _xhtml(f"<h1>{title}</h1><p>{body}</p>"))
    return path


def word(folder: Path) -> Path:
    path = folder / "keeper.docx"
    document = docx.Document()
    document.core_properties.title = TITLE
    for title, body in CHAPTERS.items():
        document.add_heading(title, level=1)
        document.add_paragraph(body)
    document.save(str(path))
    return path


def pdf(folder: Path, name: str = "keeper.pdf", password: str | None = None) -> Path:
    """One page per chapter, with an outline; ``password`` is needed to open it."""
    path = folder / name
    encrypt = StandardEncryption(password, canPrint=0) if password else None
    canvas = Canvas(str(path), pagesize=A5, encrypt=encrypt)
    canvas.setTitle(TITLE)
    for number, (title, body) in enumerate(CHAPTERS.items()):
        canvas.bookmarkPage(f"chapter{number}")
        canvas.addOutlineEntry(title, f"chapter{number}")
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawString(50, 540, title)
        canvas.setFont("Helvetica", 11)
        for line, sentence in enumerate(_lines(body)):
            canvas.drawString(50, 500 - 16 * line, sentence)
        canvas.showPage()
    canvas.save()
    return path


def book(folder: Path, pages: int, sentences: int) -> Path:
    """Markdown with a chapter per page; no two sentences are the same."""
    chapters = []
    for page in range(1, pages + 1):
        spoken = " ".join(
            f"Sentence {number} of chapter {page} tells that the river carried "
            f"{page * 100 + number} barrels past the old mill before noon."
            for number in range(1, sentences + 1)
        )
        chapters.append(f"# Chapter {page}\n\n{spoken}")
    return _write(folder / "river.md", "\n\n".join(chapters) + "\n")


MAKERS: dict[str, Callable[[Path], Path]] = {
    "md": markdown,
    "txt": text,
    "html": html,
    "epub": epub,
    "docx": word,
    "pdf": pdf,
}


def _write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def _lines(body: str) -> list[str]:
    words, lines = body.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 52:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _xhtml(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" '
        f'xml:lang="en"><head><title>{TITLE}</title></head><body>{body}</body></html>'
    )
