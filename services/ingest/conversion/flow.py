"""HTML -> Markdown blocks: the one converter behind EPUB, HTML, web pages and Markdown."""

import re
from collections.abc import Callable, Iterator, Mapping

from lxml import etree

from services.ingest.conversion import notes
from services.ingest.conversion.phrasing import Inline, bare, finish, hidden, one_paragraph
from services.ingest.conversion.xmltree import children, descendants, local, text_of
from services.ingest.pages import markup
from services.ingest.pages.blocks import BlockKind, ChapterStart, MarkdownBlock, Note, heading
from services.ingest.pages.cleaning import clean

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CONTAINERS_WORDS = (
    "html body div section article main header footer aside nav figure figcaption center "
    "address details summary fieldset hgroup dl dd dt noscript search"
)
_CONTAINERS = frozenset(_CONTAINERS_WORDS.split())
_TEXT_BLOCKS = frozenset(
    ("p", "pre", "blockquote", "ul", "ol", "li", "table", "tbody", "thead", "tfoot", "caption")
)
_BLOCKS = _CONTAINERS | _HEADINGS.keys() | _TEXT_BLOCKS | {"hr", "tr", "td", "th"}
_SCENE_BREAK = re.compile(r"(?:\\?[*•·#~∗⁂–—_-]\s*){1,9}|\\?\*\\?\*\\?\*")
_MAX_TABLE_CELL = 400

NOWHERE: Callable[[str], etree._Element | None] = lambda href: None  # noqa: E731


class Flow:
    """Converts one page of HTML.

    ``starts`` maps element ids to the chapters that begin there. ``lookup`` finds the element that
    a link points to, for footnotes; ``book`` numbers them across the whole document.
    """

    def __init__(
        self,
        book: notes.NoteBook,
        lookup: notes.Lookup = NOWHERE,
        starts: Mapping[str, ChapterStart] | None = None,
    ) -> None:
        self._inline = Inline(book=book, lookup=lookup, anchor=self._anchored)
        self._starts = dict(starts or {})
        self._pending: ChapterStart | None = None

    def blocks(
        self, root: etree._Element, chapter: ChapterStart | None = None
    ) -> list[MarkdownBlock]:
        """Return the blocks of a page; the first of them begins ``chapter``."""
        self._pending = chapter
        made = []
        for block in self._container(root):
            begins, self._pending = self._pending, None
            made.append(block.starting(begins))
        return made

    def read_notes(self, root: etree._Element) -> None:
        """Read the footnotes that ``root`` refers to before its text, so that bodies go from it."""
        for link in root.iter("{*}a"):
            if notes.is_reference(link):
                self._inline.element(link)
        self._inline.take_notes()

    def _anchored(self, element: etree._Element) -> None:
        if self._starts:
            key = element.get("id") or element.get("name") or ""
            self._pending = self._starts.pop(key, None) or self._pending

    def _container(self, element: etree._Element) -> Iterator[MarkdownBlock]:
        """Yield the blocks inside ``element``; text between blocks becomes paragraphs."""
        loose = [self._inline.text(element.text)]
        for child in element:
            name = local(child)
            if name and name not in _BLOCKS and not self._holds_blocks(child):
                loose.append(self._inline.element(child))
            elif name and not hidden(child):
                yield from self._paragraph("".join(loose))
                loose = []
                yield from self._block(child, name)
            loose.append(self._inline.text(child.tail))
        yield from self._paragraph("".join(loose))

    def _holds_blocks(self, element: etree._Element) -> bool:
        """Say whether an inline element wraps blocks, as in ``<a><h2>..</h2></a>``."""
        return any(local(inner) in _BLOCKS for inner in element.iterdescendants())

    def _block(self, element: etree._Element, name: str) -> Iterator[MarkdownBlock]:
        if notes.was_read(element):
            return
        self._anchored(element)
        if name in _HEADINGS:
            yield from self._heading(element, _HEADINGS[name])
        elif name == "p" and not self._holds_blocks(element):
            yield from self._paragraph(self._inline.render(element))
        elif name == "pre":
            yield from self._code(element)
        elif name == "blockquote":
            yield from self._quote(element)
        elif name in ("ul", "ol"):
            yield from self._list(element)
        elif name == "table":
            yield from self._table(element)
        elif name == "hr":
            yield MarkdownBlock(markdown=markup.RULE)
        elif name == "dt":
            yield from self._paragraph(markup.emphasize(self._inline.render(element), "**"))
        else:
            yield from self._container(element)

    def _paragraph(self, inline: str) -> Iterator[MarkdownBlock]:
        text = finish(inline)
        found = self._inline.take_notes()
        if not text:
            return
        if _SCENE_BREAK.fullmatch(text):
            yield MarkdownBlock(markdown=markup.RULE)
        else:
            yield MarkdownBlock(markdown=text, notes=found)

    def _heading(self, element: etree._Element, level: int) -> Iterator[MarkdownBlock]:
        inline = one_paragraph(self._inline.render(element))
        found = self._inline.take_notes()
        if inline:
            yield heading(level, inline, clean(bare(element)), found)

    def _code(self, element: etree._Element) -> Iterator[MarkdownBlock]:
        for line_break in list(descendants(element, "br")):
            line_break.text = "\n"
        text = clean("".join(map(str, element.itertext())))
        if text.strip():
            code = next(children(element, "code"), element)
            language = re.search(r"\blanguage-([\w+#-]{1,30})", code.get("class") or "")
            yield MarkdownBlock(
                markdown=markup.code_block(text, language[1] if language else ""),
                kind=BlockKind.CODE,
            )

    def _quote(self, element: etree._Element) -> Iterator[MarkdownBlock]:
        for inner in self._container(element):
            marked = markup.indent(inner.markdown, "> ", "> ")
            yield MarkdownBlock(markdown=marked, kind=BlockKind.LINES, notes=inner.notes)

    def _list(self, element: etree._Element) -> Iterator[MarkdownBlock]:
        number = _start(element)
        items, found = [], []
        for item in element:
            if not local(item) or hidden(item) or notes.was_read(item):
                continue
            mark = f"{number}. " if local(element) == "ol" else "- "
            body, its_notes = self._item(item)
            if body:
                items.append(markup.indent(body, mark, " " * len(mark)))
                number += 1
            found.extend(its_notes)
        if items:
            yield MarkdownBlock(
                markdown="\n".join(items), kind=BlockKind.LINES, notes=tuple(dict.fromkeys(found))
            )

    def _item(self, item: etree._Element) -> tuple[str, list[Note]]:
        self._anchored(item)
        inner = list(self._list(item) if local(item) in ("ul", "ol") else self._container(item))
        lines = []
        for at, block in enumerate(inner):
            tight = at == 0 or (
                block.kind is BlockKind.LINES and not block.markdown.startswith(">")
            )
            lines.append(block.markdown if tight else f"\n{block.markdown}")
        return "\n".join(lines), [note for block in inner for note in block.notes]

    def _table(self, element: etree._Element) -> Iterator[MarkdownBlock]:
        for caption in children(element, "caption"):
            yield from self._paragraph(self._inline.render(caption))
        rows = [row for row in descendants(element, "tr") if _owner(row) is element]
        cells = [[cell for cell in row if local(cell) in ("td", "th")] for row in rows]
        if self._is_layout(element, cells):
            for cell in (cell for row in cells for cell in row):
                yield from self._container(cell)
            return
        written = [[self._cell(cell) for cell in row] for row in cells]
        written = [row for row in written if any(row)]
        found = self._inline.take_notes()
        if written:
            yield MarkdownBlock(markdown=markup.table(written), kind=BlockKind.TABLE, notes=found)

    def _cell(self, cell: etree._Element) -> str:
        return one_paragraph(self._inline.render(cell))

    def _is_layout(self, table: etree._Element, rows: list[list[etree._Element]]) -> bool:
        """Say whether a table only arranges blocks on the page."""
        if max(map(len, rows), default=0) <= 1 or any(descendants(table, "table")):
            return True
        if any(local(inner) in _HEADINGS for inner in table.iterdescendants()):
            return True
        return any(len(text_of(cell)) > _MAX_TABLE_CELL for row in rows for cell in row)


def _owner(row: etree._Element) -> etree._Element | None:
    parent = row.getparent()
    while parent is not None and local(parent) != "table":
        parent = parent.getparent()
    return parent


def _start(element: etree._Element) -> int:
    value = (element.get("start") or "1").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else 1  # noqa: PLR2004
