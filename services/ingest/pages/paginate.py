"""Cuts flowing text into pages of a sensible length for listening.

A page holds about 3,000 characters, some three minutes, and at most about 4,000. It ends at the
paragraph that brings it nearest to that, and never spans two chapters. The first page holds a
quarter of it: nobody can listen before it is spoken. The same text always gives the same pages, in
linear time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.ingest.pages.blocks import BlockKind, ChapterStart, MarkdownBlock
from services.ingest.pages.cleaning import one_line, tidy
from services.ingest.pages.document import Page, ParsedChapter
from services.ingest.pages.document_language import Language
from services.ingest.pages.long_blocks import cut_block
from services.ingest.pages.page_parts import page_parts

TARGET_CHARS = 3000
FIRST_TARGET_CHARS = 750
MAX_CHARS = 4000

_TAIL_CHARS = 600
_LONG_BLOCK_CHARS = 3400
_MIN_CHAPTER_CHARS = 800
_MAX_CHAPTER_LEVEL = 3


def chapter_level(counts: Mapping[int, int], characters: int) -> int:
    """Return the deepest heading level that begins chapters where there is no table of contents.

    ``counts`` says how many headings of each level a document of ``characters`` has. Headings of
    level 1 begin chapters if there are two or more. Otherwise those of the first level that occurs
    twice do, if the stretches are long enough on average to be worth a page each. 0 means none.
    """
    for level in range(1, _MAX_CHAPTER_LEVEL + 1):
        count = counts.get(level, 0)
        if count > 1 and (level == 1 or characters / count >= _MIN_CHAPTER_CHARS):
            return level
    return 0


def mark_chapters(
    blocks: Iterable[MarkdownBlock], level: int | None = None
) -> Iterator[MarkdownBlock]:
    """Let the headings of ``level`` and above begin chapters; None finds the level itself."""
    if level is None:
        blocks = list(blocks)
        counts = Counter(block.level for block in blocks)
        level = chapter_level(counts, sum(block.size for block in blocks))
    for block in blocks:
        begins = 0 < block.level <= level and block.plain and not block.chapter
        yield block.starting(ChapterStart(block.plain, block.level)) if begins else block


class Paginator:
    """Takes blocks in reading order and gives pages as soon as they are certain."""

    def __init__(self, language: Language) -> None:
        self.chapters: list[ParsedChapter] = []
        self.pages = 0
        self._language = language
        self._title: str | None = None
        self._open: list[MarkdownBlock] = []
        self._open_size = 0
        self._last_headings = 0
        self._held: list[MarkdownBlock] = []

    def feed(self, blocks: Iterable[MarkdownBlock]) -> Iterator[Page]:
        """Add blocks; yield the pages that they complete."""
        for block in blocks:
            if block.chapter is not None:
                # A part's or a book's title alone is no page: it goes with what follows it.
                if self._held or self._last_headings < len(self._open):
                    yield from self.finish()
                self._begin(block.chapter)
            for piece in cut_block(block, TARGET_CHARS, _LONG_BLOCK_CHARS):
                yield from self._add(piece)

    def finish(self) -> Iterator[Page]:
        """Yield what is left of the current chapter."""
        tail = self._open_size
        if self._held and tail < _TAIL_CHARS and _size(self._held) + tail <= MAX_CHARS:
            self._held, self._open = self._held + self._open, []
        for blocks in (self._held, self._open):
            yield from self._page(blocks)
        self._held, self._open = [], []
        self._open_size = self._last_headings = 0

    def _begin(self, chapter: ChapterStart) -> None:
        self._title = one_line(chapter.title) or None
        if self._title is None:
            return
        first = self.pages + 1
        if self.chapters and self.chapters[-1].first_page == first:
            self.chapters.pop()
        self.chapters.append(ParsedChapter(self._title, first, max(1, chapter.level)))

    def _add(self, block: MarkdownBlock) -> Iterator[Page]:
        size = self._open_size
        over = size + block.size
        target = TARGET_CHARS if self.pages or self._held else FIRST_TARGET_CHARS
        enough = size >= target / 2 and over - target > target - size
        if enough or over > MAX_CHARS:
            keep = len(self._open) - self._last_headings  # a heading stays with what it heads
            if not keep and over > MAX_CHARS:
                keep = len(self._open)  # but nothing else than headings is a page at some time
            if keep:
                yield from self._page(self._held)
                self._held, self._open = self._open[:keep], self._open[keep:]
                self._open_size = _size(self._open)
                self._last_headings = len(self._open)
        self._open.append(block)
        self._last_headings = self._last_headings + 1 if block.kind is BlockKind.HEADING else 0
        self._open_size += block.size + 2

    def _page(self, blocks: Sequence[MarkdownBlock]) -> Iterator[Page]:
        markdown = tidy("\n\n".join([*(block.markdown for block in blocks), *_notes(blocks)]))
        for part in page_parts(markdown):
            self.pages += 1
            yield Page(
                number=self.pages,
                markdown=part,
                title=self._title,
                language=self._language.of(part),
            )


def _size(blocks: Iterable[MarkdownBlock]) -> int:
    return sum(block.size + 2 for block in blocks)


def _notes(blocks: Iterable[MarkdownBlock]) -> Iterator[str]:
    """Yield the definitions of the footnotes that the blocks refer to, each once, in order."""
    done = set()
    for block in blocks:
        for note in block.notes:
            if note.label not in done:
                done.add(note.label)
                yield f"[^{note.label}]: {note.body}"
