"""What the parsers of flowing formats hand to the paginator: one Markdown block after another."""

from dataclasses import dataclass, field, replace
from enum import StrEnum


class BlockKind(StrEnum):
    """How a block may be cut when it is longer than a page."""

    TEXT = "text"
    HEADING = "heading"
    LINES = "lines"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class ChapterStart:
    """A chapter begins with the block that carries this."""

    title: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote: ``[^label]`` in the text of the block, ``body`` as inline Markdown."""

    label: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownBlock:
    """A Markdown block. ``level`` is that of a heading, 1 to 6, or 0; ``plain`` its bare text."""

    markdown: str
    kind: BlockKind = BlockKind.TEXT
    level: int = 0
    plain: str = ""
    notes: tuple[Note, ...] = field(default=())
    chapter: ChapterStart | None = None

    @property
    def size(self) -> int:
        """Characters on the page, footnotes included."""
        return len(self.markdown) + sum(len(note.body) + len(note.label) + 7 for note in self.notes)

    def starting(self, chapter: ChapterStart | None) -> "MarkdownBlock":
        """Return the block as the first of ``chapter``."""
        return replace(self, chapter=chapter)


def heading(level: int, inline: str, plain: str, notes: tuple[Note, ...] = ()) -> MarkdownBlock:
    """Return a heading block; ``inline`` is Markdown, ``plain`` the same as bare text."""
    level = min(max(level, 1), 6)
    line = " ".join(inline.replace("\\\n", " ").split())
    return MarkdownBlock(
        markdown=f"{'#' * level} {line}",
        kind=BlockKind.HEADING,
        level=level,
        plain=" ".join(plain.split()),
        notes=notes,
    )
