"""Make the sample book: ``python -m examples.book.build out/sample.epub``.

The text is in ``text/``, one XHTML file a chapter, in the order of their names. The result is an
EPUB 3 with an NCX for readers of EPUB 2. Nothing but the standard library is used, and the same
sources give the same bytes: every entry has the same date, and compression the same settings.

Format: https://www.w3.org/TR/epub-33/ and https://idpf.org/epub/20/spec/OPF_2.0.1_draft.htm
"""

import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from examples.book import draw_cover as cover

TITLE = "The Keeper’s Clock"
AUTHOR = "The Lectern Authors"
IDENTIFIER = "urn:uuid:0d7a2c0e-5b1f-4f0a-9c55-2f1c6a1e7b90"
MODIFIED = "2026-11-01T00:00:00Z"
DESCRIPTION = "A lighthouse, a clock that listened, and the people who read to it."

HERE = Path(__file__).resolve().parent
H1 = "{http://www.w3.org/1999/xhtml}h1"
ENTRY_DATE = (2026, 11, 1, 0, 0, 0)
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'

CONTAINER = f"""{DECLARATION}\
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"""


@dataclass(frozen=True)
class ChapterFile:
    """One file of the text; ``title`` is its heading."""

    name: str
    title: str
    xhtml: bytes

    @property
    def id(self) -> str:
        """Its id in the manifest."""
        return f"chapter-{self.name[:2]}"


def chapters() -> list[ChapterFile]:
    """Read the text, in order."""
    return [_chapter(path) for path in sorted((HERE / "text").glob("*.xhtml"))]


def _chapter(path: Path) -> ChapterFile:
    xhtml = path.read_bytes()
    heading = ElementTree.fromstring(xhtml).find(f".//{H1}")  # noqa: S314 - our own file
    if heading is None:
        raise SystemExit(f"{path} has no h1")
    return ChapterFile(path.name, "".join(heading.itertext()), xhtml)


def build(path: Path) -> None:
    """Write the EPUB to ``path``; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as epub:
        # The format wants this entry first and uncompressed, so that the type shows at byte 30.
        epub.writestr(_entry("mimetype"), b"application/epub+zip", zipfile.ZIP_STORED)
        for name, content in _contents(chapters()):
            epub.writestr(_entry(name), content, zipfile.ZIP_DEFLATED, 9)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, ENTRY_DATE)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def _contents(text: list[ChapterFile]) -> Iterator[tuple[str, bytes]]:
    yield "META-INF/container.xml", CONTAINER.encode()
    yield "OEBPS/book.opf", _package(text).encode()
    yield "OEBPS/nav.xhtml", _nav(text).encode()
    yield "OEBPS/toc.ncx", _ncx(text).encode()
    yield "OEBPS/book.css", (HERE / "book.css").read_bytes()
    yield "OEBPS/cover.png", cover.png()
    for chapter in text:
        yield f"OEBPS/{chapter.name}", chapter.xhtml


def _package(text: list[ChapterFile]) -> str:
    items = "\n".join(
        f'    <item id="{chapter.id}" href="{chapter.name}" media-type="application/xhtml+xml"/>'
        for chapter in text
    )
    spine = "\n".join(f'    <itemref idref="{chapter.id}"/>' for chapter in text)
    return f"""{DECLARATION}\
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="id">{IDENTIFIER}</dc:identifier>
    <dc:title>{escape(TITLE)}</dc:title>
    <dc:creator id="author">{escape(AUTHOR)}</dc:creator>
    <meta refines="#author" property="role" scheme="marc:relators">aut</meta>
    <dc:language>en</dc:language>
    <dc:description>{escape(DESCRIPTION)}</dc:description>
    <dc:rights>Apache License 2.0</dc:rights>
    <meta property="dcterms:modified">{MODIFIED}</meta>
    <meta name="cover" content="cover-image"/>
  </metadata>
  <manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
    <item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
    <item id="css" href="book.css" media-type="text/css"/>
    <item id="cover-image" href="cover.png" media-type="image/png" properties="cover-image"/>
{items}
  </manifest>
  <spine toc="ncx">
{spine}
  </spine>
</package>
"""


def _nav(text: list[ChapterFile]) -> str:
    items = "\n".join(
        f'    <li><a href="{chapter.name}">{escape(chapter.title)}</a></li>' for chapter in text
    )
    return f"""{DECLARATION}\
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en">
<head><title>{escape(TITLE)}</title></head>
<body>
  <nav epub:type="toc" id="toc">
    <h1>Contents</h1>
    <ol>
{items}
    </ol>
  </nav>
</body>
</html>
"""


def _ncx(text: list[ChapterFile]) -> str:
    points = "\n".join(
        f'    <navPoint id="point-{number}" playOrder="{number}">'
        f"<navLabel><text>{escape(chapter.title)}</text></navLabel>"
        f'<content src="{chapter.name}"/></navPoint>'
        for number, chapter in enumerate(text, 1)
    )
    return f"""{DECLARATION}\
<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1" xml:lang="en">
  <head><meta name="dtb:uid" content="{IDENTIFIER}"/></head>
  <docTitle><text>{escape(TITLE)}</text></docTitle>
  <navMap>
{points}
  </navMap>
</ncx>
"""


if __name__ == "__main__":
    build(Path(sys.argv[1]))
