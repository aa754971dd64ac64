"""PDF -> pages: opens the file, looks a few pages ahead, writes Markdown."""

from collections import Counter, deque
from collections.abc import Iterator
from ctypes import Array, c_char, c_ushort
from itertools import islice
from mmap import ACCESS_COPY, mmap
from os import SEEK_END
from typing import BinaryIO, NamedTuple

import pypdfium2 as pdfium
from pypdfium2 import raw

from services.ingest.formats.document_format import DocumentFormat
from services.ingest.formats.pdf.dehyphenation import Dehyphenator
from services.ingest.formats.pdf.fragments import fragments
from services.ingest.formats.pdf.furniture import RawPage, without_furniture
from services.ingest.formats.pdf.paragraphs import Paragraph, ParagraphRole, paragraphs
from services.ingest.formats.pdf.stitch import Sheet, stitch
from services.ingest.pages import markup
from services.ingest.pages.cleaning import one_line, tidy
from services.ingest.pages.document import Item, Metadata, Page, ParsedChapter
from services.ingest.pages.document_language import Language
from services.ingest.pages.page_parts import page_parts
from services.ingest.pages.paginate import chapter_level
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.pages.titles import filename_title

MAX_PAGES = 20_000

_AHEAD = 6
_BEHIND = 6
_MAX_CHAPTERS = 2000
_MAX_CHAPTER_LEVEL = 3
_ORIGINS = ("Microsoft Word - ", "Microsoft PowerPoint - ")
_NO_TITLES = frozenset(("untitled", "anonymous", "(anonymous)", "unknown", "(unspecified)"))


def read_pdf(file: BinaryIO, filename: str | None) -> Iterator[Item]:
    """Yield the pages that have text, numbered without gaps, then the metadata.

    Raises:
        Rejected: it is encrypted, damaged, too large or has no text.
    """
    document = _opened(file)
    try:
        yield from _Reader(document, filename).items()
    finally:
        document.close()


def _opened(file: BinaryIO) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(_mapped(file))
    except pdfium.PdfiumError as error:
        locked = getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD
        raise rejected(Reason.ENCRYPTED if locked else Reason.DAMAGED) from error
    if len(document) > MAX_PAGES:
        document.close()
        raise rejected(Reason.TOO_LARGE, f"It has more than {MAX_PAGES} pages.")
    return document


def _mapped(file: BinaryIO) -> Array[c_char]:
    """Return the bytes of a file without reading them; changing them would not change the file."""
    size = file.seek(0, SEEK_END)
    return (c_char * size).from_buffer(mmap(file.fileno(), size, access=ACCESS_COPY))


class Bookmark(NamedTuple):
    """An entry of the outline; ``at`` is the index of its page, from 0, ``level`` counts from 1."""

    title: str
    at: int
    level: int


class _Reader:
    """Reads one document."""

    def __init__(self, document: pdfium.PdfDocument, filename: str | None) -> None:
        self._document = document
        self._filename = filename
        self._dehyphenator = Dehyphenator()
        self._sizes: Counter[float] = Counter()
        self._numbers: dict[int, int] = {}
        self._headings: list[ParsedChapter] = []
        self._characters = 0
        self._unreadable = 0
        self._blank = 0

    def items(self) -> Iterator[Item]:
        """Yield the pages, then the metadata."""
        information = _information(self._document)
        language = Language(information.get("Lang"))
        outline = list(_outline(self._document))
        title, number = None, 0
        for sheet in stitch(self._sheets(), self._dehyphenator):
            markdown = tidy("\n\n".join(_markdown(sheet.paragraphs)))
            if not markdown:
                continue
            first = self._numbers[sheet.index] = number + 1
            self._characters += len(markdown)
            self._note_headings(sheet, first)
            title = _title_at(outline, sheet.index) if outline else self._heading_title(first)
            for number, part in enumerate(page_parts(markdown), first):
                yield Page(number=number, markdown=part, title=title, language=language.of(part))
        if not number:
            raise rejected(Reason.NO_TEXT if len(self._document) else Reason.DAMAGED)
        yield self._metadata(information, outline, language.name, number)

    def _sheets(self) -> Iterator[Sheet]:
        """Yield the paragraphs of each page, knowing a few pages before and after it."""
        pages = self._pages()
        behind: deque[RawPage] = deque(maxlen=_BEHIND)
        ahead = deque(islice(pages, _AHEAD + 1))
        while ahead:
            page = ahead.popleft()
            body = without_furniture(page, (*behind, *ahead))
            size = self._sizes.most_common(1)[0][0] if self._sizes else 0.0
            yield Sheet(page.index, paragraphs(body, size, self._dehyphenator))
            behind.append(page)
            ahead.extend(islice(pages, 1))

    def _pages(self) -> Iterator[RawPage]:
        for index in range(len(self._document)):
            try:
                page = self._document[index]
            except pdfium.PdfiumError:
                self._unreadable += 1
                continue
            found = fragments(page)
            self._blank += not found
            for fragment in found:
                self._sizes[round(fragment.size * 2) / 2] += len(fragment.text)
                self._dehyphenator.add(fragment.text)
            yield RawPage(index=index, height=page.get_height(), fragments=found)
            page.close()

    def _note_headings(self, sheet: Sheet, number: int) -> None:
        for paragraph in sheet.paragraphs:
            if paragraph.role is ParagraphRole.HEADING:
                self._headings.append(
                    ParsedChapter(one_line(paragraph.text), number, paragraph.level)
                )

    def _heading_title(self, number: int) -> str | None:
        """Return the first heading of the page, else the last one before it."""
        here = [heading.title for heading in self._headings if heading.first_page == number]
        return here[0] if here else self._headings[-1].title if self._headings else None

    def _metadata(
        self,
        information: dict[str, str],
        outline: list[Bookmark],
        language: str,
        last: int,
    ) -> Metadata:
        title = one_line(information.get("Title"))
        for origin in _ORIGINS:
            title = title.removeprefix(origin)
        if title.lower() in _NO_TITLES:
            title = ""
        heading = self._headings[0].title if self._headings else ""
        return Metadata(
            title=title or heading or filename_title(self._filename),
            author=_author(information),
            language=language,
            media_type=DocumentFormat.PDF.value,
            chapters=tuple(self._chapters(outline, last)),
            warnings=tuple(self._warnings()),
        )

    def _chapters(self, outline: list[Bookmark], last: int) -> Iterator[ParsedChapter]:
        """Yield the chapters, at most one per page: from the outline, else from headings."""
        found = [
            ParsedChapter(title, min(self._number_of(index), last), level)
            for title, index, level in outline
        ]
        if not found and self._headings:
            counts = Counter(heading.level for heading in self._headings)
            deepest = chapter_level(counts, self._characters) or min(counts)
            found = [heading for heading in self._headings if heading.level <= deepest]
        taken: set[int] = set()
        for chapter in sorted(found, key=lambda chapter: (chapter.first_page, chapter.level)):
            if chapter.first_page not in taken:
                taken.add(chapter.first_page)
                yield chapter

    def _number_of(self, index: int) -> int:
        """Return the number of a page of the file, or of the next one that has text."""
        later = [number for place, number in self._numbers.items() if place >= index]
        return min(later, default=max(self._numbers.values()))

    def _warnings(self) -> Iterator[str]:
        if self._unreadable:
            yield f"Damaged pages that were left out: {self._unreadable}."
        if self._blank > len(self._document) / 2:
            yield f"{self._blank} of {len(self._document)} pages have no text; they may be scans."


def _information(document: pdfium.PdfDocument) -> dict[str, str]:
    """Return the information dictionary, and the catalog's language as ``Lang``."""
    found = document.get_metadata_dict(skip_empty=True).items()
    size = raw.FPDFCatalog_GetLanguage(document, None, 0)
    units = (c_ushort * (size // 2 + 1))()
    raw.FPDFCatalog_GetLanguage(document, units, size)
    language = bytes(units).decode("utf-16-le", "ignore").rstrip("\x00")
    return {"Lang": language, **{str(key): str(value) for key, value in found}}


def _author(information: dict[str, str]) -> str | None:
    name = one_line(information.get("Author"))
    return None if not name or name.lower() in _NO_TITLES else name


def _outline(document: pdfium.PdfDocument) -> Iterator[Bookmark]:
    """Yield the bookmarks that lead to a page."""
    for bookmark in islice(document.get_toc(max_depth=_MAX_CHAPTER_LEVEL), _MAX_CHAPTERS):
        target = bookmark.get_dest()
        index = target.get_index() if target else None
        title = one_line(bookmark.get_title())
        if index is not None and title:
            yield Bookmark(title, index, bookmark.level + 1)


def _title_at(outline: list[Bookmark], index: int) -> str | None:
    """Return the title of the first chapter that begins on this page, else of the last before."""
    here = [bookmark for bookmark in outline if bookmark.at == index]
    if here:
        return min(here, key=lambda bookmark: bookmark.level).title
    before = [bookmark for bookmark in outline if bookmark.at < index]
    return max(reversed(before), key=lambda bookmark: bookmark.at).title if before else None


def _markdown(page: list[Paragraph]) -> Iterator[str]:
    items: list[str] = []
    for paragraph in page:
        if paragraph.role is ParagraphRole.ITEM:
            items.append(paragraph.marker + markup.escape(paragraph.text))
            continue
        if items:
            yield "\n".join(items)
            items = []
        if paragraph.role is ParagraphRole.HEADING:
            yield f"{'#' * paragraph.level} {markup.escape(paragraph.text)}"
        elif paragraph.cells is not None:
            yield markup.table([[markup.escape(cell) for cell in row] for row in paragraph.cells])
        else:
            yield markup.guard(markup.escape(paragraph.text))
    if items:
        yield "\n".join(items)
