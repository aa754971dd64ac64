"""EPUB -> pages: the spine gives the order, the table of contents the chapters."""

import posixpath
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import unquote

from lxml import etree

from services.ingest.conversion import notes
from services.ingest.conversion.flow import Flow
from services.ingest.conversion.xmltree import attribute, local, parse_page, text_of, too_deep
from services.ingest.formats.archive import Archive
from services.ingest.formats.document_format import DocumentFormat
from services.ingest.formats.epub.package import Package, read_package
from services.ingest.pages.blocks import BlockKind, ChapterStart, MarkdownBlock
from services.ingest.pages.document import Item, Metadata
from services.ingest.pages.document_language import Language
from services.ingest.pages.paginate import Paginator, mark_chapters
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.pages.titles import filename_title

_MAX_KEPT_TREES = 8
_MIN_SECTION_CHARS = 800
_NAV_TYPES = frozenset(("toc", "landmarks", "page-list", "lot", "loi", "doc-toc", "doc-pagelist"))


def read_epub(file: BinaryIO, filename: str | None) -> Iterator[Item]:
    """Yield the pages of a book, then its metadata.

    Raises:
        Rejected: it is encrypted, damaged, too large or has no text.
    """
    with Archive(file) as archive:
        package = read_package(archive)
        language = Language(package.language)
        paginator = Paginator(language)
        book = _Book(archive, package)
        for blocks in book.chapters():
            yield from paginator.feed(blocks)
        yield from paginator.finish()
    if not paginator.pages:
        raise rejected(Reason.NO_TEXT)
    first = paginator.chapters[0].title if paginator.chapters else ""
    yield Metadata(
        title=package.title or filename_title(filename) or first,
        author=package.author,
        language=language.name,
        media_type=DocumentFormat.EPUB.value,
        cover=package.cover.data if package.cover else None,
        chapters=tuple(paginator.chapters),
        warnings=tuple(dict.fromkeys(package.warnings)),
    )


class _Book:
    """The text of the spine, page by page."""

    def __init__(self, archive: Archive, package: Package) -> None:
        self._archive = archive
        self._package = package
        self._notes = notes.NoteBook()
        self._trees: dict[str, etree._Element] = {}
        self._ids: dict[str, dict[str, etree._Element]] = {}
        self._pages = {item.name for item in package.spine}

    def chapters(self) -> Iterator[list[MarkdownBlock]]:
        """Yield the blocks of each page of the spine."""
        for item in self._package.spine:
            yield self._blocks(item.name)
            self._trees.pop(item.name, None)
            self._ids.pop(item.name, None)

    def _blocks(self, name: str) -> list[MarkdownBlock]:
        root = self._tree(name)
        if self._shows_the_cover_only(name, root):
            return []
        _drop_navigation(root)
        Flow(self._notes, lambda href: self._lookup(name, href)).read_notes(root)
        starts = dict(self._package.toc.get(name, {}))
        top = starts.pop("", None)
        flow = Flow(self._notes, lambda href: self._lookup(name, href), _worthwhile(starts, root))
        blocks = flow.blocks(_body(root), top)
        if not self._package.toc and not top:
            blocks = _first_heading_starts(list(mark_chapters(blocks)))
        only_notes = any(notes.was_read(element) for element in root.iter()) and all(
            block.kind is BlockKind.HEADING for block in blocks
        )
        return [] if only_notes else blocks

    def _tree(self, name: str) -> etree._Element:
        """Return a page's tree; it is kept while notes may be asked from it."""
        if name not in self._trees:
            root, well_formed = parse_page(self._archive.read(name))
            if too_deep(root):
                self._package.warnings.append("Part of a chapter is nested too deeply to be read.")
            if not well_formed:
                self._package.warnings.append("Some chapters are not well-formed XML.")
            self._trees[name] = root
            self._ids[name] = _by_id(root)
        return self._trees[name]

    def _shows_the_cover_only(self, page: str, root: etree._Element) -> bool:
        """Whether a page is the book's cover: there is nothing to read on it but "Cover"."""
        cover, folder = self._package.cover, posixpath.dirname(page)
        return (
            cover is not None
            and not text_of(_body(root))
            and any(
                self._archive.find(image.get("src") or "", folder) == cover.name
                for image in root.iter("{*}img")
            )
        )

    def _lookup(self, page: str, href: str) -> etree._Element | None:
        path, _, fragment = href.partition("#")
        name = self._archive.find(path, posixpath.dirname(page)) if path else page
        if name is None or (name != page and name not in self._pages):
            return None
        if name not in self._trees and len(self._trees) >= _MAX_KEPT_TREES:
            return None
        self._tree(name)
        return self._ids[name].get(unquote(fragment))


def _by_id(root: etree._Element) -> dict[str, etree._Element]:
    found: dict[str, etree._Element] = {}
    for element in root.iter("*"):
        key = element.get("id") or (element.get("name") if local(element) == "a" else None)
        if key:
            found.setdefault(key, element)
    return found


def _body(root: etree._Element) -> etree._Element:
    body = next(root.iter("{*}body"), None)
    return root if body is None else body


def _drop_navigation(root: etree._Element) -> None:
    """Empty the tables of contents inside pages: nobody wants them read out."""
    for nav in list(root.iter("{*}nav")):
        if set(attribute(nav, "type").split()) & _NAV_TYPES or notes.roles(nav) & _NAV_TYPES:
            tail = nav.tail
            nav.clear()
            nav.tail = tail


def _worthwhile(starts: dict[str, ChapterStart], root: etree._Element) -> dict[str, ChapterStart]:
    """Keep those entries that point into a page if their sections are worth pages of their own."""
    length = sum(len(str(piece)) for piece in root.itertext())
    for deepest in range(max((start.level for start in starts.values()), default=0), 0, -1):
        kept = {key: start for key, start in starts.items() if start.level <= deepest}
        if deepest == 1 or length / (len(kept) + 1) >= _MIN_SECTION_CHARS:
            return kept
    return {}


def _first_heading_starts(blocks: list[MarkdownBlock]) -> list[MarkdownBlock]:
    """In a book without a table of contents, every page that opens with a heading is a chapter."""
    if blocks and blocks[0].kind is BlockKind.HEADING and not blocks[0].chapter:
        return [blocks[0].starting(ChapterStart(blocks[0].plain)), *blocks[1:]]
    return blocks
