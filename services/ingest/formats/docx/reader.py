"""Word (.docx) -> pages."""

from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from services.ingest.conversion.phrasing import finish, one_paragraph
from services.ingest.conversion.xmltree import attribute, children, local
from services.ingest.formats.archive import Archive
from services.ingest.formats.document_format import DocumentFormat
from services.ingest.formats.docx.parts import (
    DocxParts,
    ListLevel,
    heading_counts,
    heading_level,
    list_of,
    read_parts,
    style_of,
    value,
)
from services.ingest.formats.docx.runs import Runs
from services.ingest.pages import markup
from services.ingest.pages.blocks import BlockKind, MarkdownBlock, heading
from services.ingest.pages.document import Item, Metadata
from services.ingest.pages.document_language import Language
from services.ingest.pages.paginate import Paginator, chapter_level, mark_chapters
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.pages.titles import filename_title

_TITLE_STYLE = "title"
_QUOTE_STYLES = frozenset(("quote", "intense quote", "block text"))
_CODE_STYLES = frozenset(("html preformatted", "code", "source code", "macro"))
_WRAPPERS = frozenset(("sdt", "sdtcontent", "ins", "moveto", "customxml", "smarttag"))
_MAX_SPAN = 60
_CHARS_PER_PARAGRAPH = 400


def read_docx(file: BinaryIO, filename: str | None) -> Iterator[Item]:
    """Yield the pages of a document, then its metadata.

    Raises:
        Rejected: it is damaged, too large or has no text.
    """
    with Archive(file) as archive:
        body, parts = read_parts(archive)
    language = Language(parts.language)
    paginator = Paginator(language)
    length = _CHARS_PER_PARAGRAPH * sum(1 for _ in body.iter("{*}p"))
    level = chapter_level(heading_counts(body, parts), length)
    first = ""
    for block in mark_chapters(_Body(parts).blocks(body), level):
        first = first or block.plain
        yield from paginator.feed([block])
    yield from paginator.finish()
    if not paginator.pages:
        raise rejected(Reason.NO_TEXT)
    yield Metadata(
        title=parts.title or first or filename_title(filename),
        author=parts.author,
        language=language.name,
        media_type=DocumentFormat.DOCX.value,
        chapters=tuple(paginator.chapters),
    )


class _Body:
    """Turns paragraphs and tables into blocks; consecutive list paragraphs become one list."""

    def __init__(self, parts: DocxParts) -> None:
        self._parts = parts
        self._runs = Runs(parts=parts)
        self._list: list[str] = []
        self._widths: list[int] = []
        self._counters: dict[tuple[str, int], int] = {}

    def blocks(self, body: etree._Element) -> Iterator[MarkdownBlock]:
        """Yield the blocks of the body or of any part of it, in order."""
        yield from self._container(body)
        yield from self._end_list()

    def _container(self, container: etree._Element) -> Iterator[MarkdownBlock]:
        for element in container:
            name = local(element)
            if name == "p":
                yield from self._paragraph(element)
            elif name == "tbl":
                yield from self._end_list()
                yield from self._table(element)
            elif name in _WRAPPERS and not _is_contents(element):
                yield from self._container(element)

    def _paragraph(self, paragraph: etree._Element) -> Iterator[MarkdownBlock]:
        style = style_of(paragraph, self._parts)
        if style.name.startswith("toc"):
            return
        level = heading_level(paragraph, self._parts)
        inline, plain = self._runs.render(paragraph, emphasis=not level)
        text = finish(inline)
        properties = next(children(paragraph, "ppr"), None)
        place = (list_of(properties) or style.numbering) if not level else None
        if text and place and place[0] in self._parts.lists:
            self._add_item(text, *place)
        elif text:
            yield from self._end_list()
            yield self._block(text, plain, level, style.name)
        for box in self._runs.take_boxes():
            yield from self._container(box)

    def _block(self, text: str, plain: str, level: int, style: str) -> MarkdownBlock:
        found = self._runs.take_notes()
        if level or style == _TITLE_STYLE:
            return heading(level or 1, one_paragraph(text), plain if level else "", found)
        if style in _QUOTE_STYLES:
            return MarkdownBlock(
                markdown=markup.indent(text, "> ", "> "), kind=BlockKind.LINES, notes=found
            )
        if style in _CODE_STYLES:
            return MarkdownBlock(
                markdown=markup.code_block(plain), kind=BlockKind.CODE, notes=found
            )
        return MarkdownBlock(markdown=text, notes=found)

    def _add_item(self, text: str, key: str, level: int) -> None:
        kind = self._parts.lists[key].get(level, ListLevel(bullet=True))
        if kind.bullet:
            mark = "- "
        else:
            number = self._counters.get((key, level), kind.start - 1) + 1
            self._counters[key, level] = number
            mark = f"{number}. "
        for deeper in range(level + 1, level + 10):
            self._counters.pop((key, deeper), None)
        level = min(level, len(self._widths))
        self._widths = [*self._widths[:level], len(mark)]
        lead = " " * sum(self._widths[:level])
        self._list.append(markup.indent(text, lead + mark, lead + " " * len(mark)))

    def _end_list(self) -> Iterator[MarkdownBlock]:
        if self._list:
            items, self._list, self._widths = self._list, [], []
            yield MarkdownBlock(
                markdown="\n".join(items), kind=BlockKind.LINES, notes=self._runs.take_notes()
            )

    def _table(self, table: etree._Element) -> Iterator[MarkdownBlock]:
        rows = [[text for cell in _cells(row) for text in self._cell(cell)] for row in _rows(table)]
        rows = [row for row in rows if any(row)]
        found = self._runs.take_notes()
        if rows and max(map(len, rows)) == 1:
            for row in rows:
                yield MarkdownBlock(markdown=markup.guard(row[0]), notes=found)
        elif rows:
            yield MarkdownBlock(markdown=markup.table(rows), kind=BlockKind.TABLE, notes=found)

    def _cell(self, cell: etree._Element) -> Iterator[str]:
        """Yield a cell's text, then an empty one for each further column that it spans."""
        if value(cell, "tcpr", "vmerge") == "continue":
            yield ""
            return
        # The paragraphs of text boxes are among these; a fallback only repeats them.
        paragraphs = (paragraph for paragraph in cell.iter("{*}p") if not _is_fallback(paragraph))
        texts = (one_paragraph(self._runs.render(paragraph)[0]) for paragraph in paragraphs)
        yield " ".join(filter(None, texts))
        self._runs.take_boxes()
        span = value(cell, "tcpr", "gridspan")
        for _ in range(min(int(span), _MAX_SPAN) - 1 if span.isdigit() else 0):
            yield ""


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    for element in table:
        if local(element) == "tr":
            yield element
        elif local(element) in ("sdt", "sdtcontent", "ins"):
            yield from _rows(element)


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    for element in row:
        if local(element) == "tc":
            yield element
        elif local(element) in ("sdt", "sdtcontent"):
            yield from _cells(element)


def _is_fallback(paragraph: etree._Element) -> bool:
    """Say whether a paragraph is in the second version of something, for older programs."""
    return any(local(ancestor) == "fallback" for ancestor in paragraph.iterancestors())


def _is_contents(element: etree._Element) -> bool:
    """Say whether a structured part is a generated table of contents."""
    gallery = next(element.iterfind("{*}sdtPr/{*}docPartObj/{*}docPartGallery"), None)
    return gallery is not None and attribute(gallery, "val") == "Table of Contents"
