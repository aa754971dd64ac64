"""Plain text -> pages: hard-wrapped lines are joined to paragraphs, chapter lines are found."""

import re
from collections.abc import Iterator
from statistics import median

from services.ingest.formats.document_format import DocumentFormat
from services.ingest.pages import markup
from services.ingest.pages.blocks import BlockKind, ChapterStart, MarkdownBlock, heading
from services.ingest.pages.cleaning import clean, one_line
from services.ingest.pages.document import Item, Metadata
from services.ingest.pages.document_language import Language
from services.ingest.pages.paginate import Paginator
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.pages.titles import filename_title

_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_NUMBER = (
    r"(?:\d{1,4}|[IVXLC]{1,8}|[A-Z]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six)ty(?:[- ]\w{3,5})?"
    r"|the (?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last))"
)
_PART = re.compile(
    rf"(?:part|book|volume|teil|buch|band|partie|livre|parte|libro)\s+{_NUMBER}\b.*", re.I
)
_CHAPTER = re.compile(
    rf"(?:(?:chapter|kapitel|chapitre|cap[ií]tulo|capitolo|hoofdstuk|act|letter|stave|canto)\s+"
    rf"{_NUMBER}\b.*|(?:prologue|epilogue|foreword|preface|introduction|afterword|appendix|prolog"
    r"|epilog|vorwort|einleitung|nachwort|anhang|préface|prólogo|epílogo)\b.{0,60})",
    re.I,
)
_LIST_ITEM = re.compile(r"\s*(?:([-*•\u2013])|(\d{1,3})[.)])[ \t]+(\S.*)")
_RULE = re.compile(r"\s*(?:[*•·#~=_-]\s*){3,}")
_MAX_TITLE_LINES = 3
_MAX_TITLE_CHARS = 100
_WRAP_MIN = 45
_FILLED = 0.7
_WRAP_MAX = 100
_HYPHEN = re.compile(r"(?<=[^\W\d_])-\n(?=[a-zß-ÿ])")


def read_text(text: str, filename: str | None) -> Iterator[Item]:
    """Yield the pages of a plain text.

    Raises:
        Rejected: there is nothing to read.
    """
    language = Language()
    paginator = Paginator(language)
    text = clean(text).strip("\n")
    title = ""
    for block in _blocks(text):
        title = title or (block.plain or _first_line(block.markdown))
        yield from paginator.feed([block])
    yield from paginator.finish()
    if not paginator.pages:
        raise rejected(Reason.EMPTY)
    yield Metadata(
        title=one_line(filename_title(filename) or title),
        language=language.name,
        media_type=DocumentFormat.TEXT.value,
        chapters=tuple(paginator.chapters),
    )


def _first_line(markdown: str) -> str:
    line = re.sub(r"\\(?=[^\w\s])", "", markdown.lstrip("#>- \\").split("\n", 1)[0])
    return line if len(line) <= _MAX_TITLE_CHARS else ""


def _blocks(text: str) -> Iterator[MarkdownBlock]:
    """Yield the blocks; a chapter line counts only if text follows, so that contents don't."""
    one_per_line = _lines_are_paragraphs(text)
    waiting: list[MarkdownBlock] = []
    for paragraph in _paragraphs(text, one_per_line):
        block = _chapter(paragraph) or _paragraph(paragraph, one_per_line)
        if block.kind is BlockKind.HEADING:
            waiting.append(block)
            continue
        yield from _settled(waiting)
        waiting = []
        yield block
    yield from _settled(waiting)


def _settled(waiting: list[MarkdownBlock]) -> Iterator[MarkdownBlock]:
    """Yield chapter lines; of more than two in a row, all but the last are a table of contents."""
    contents = waiting[:-1] if len(waiting) > 2 else []  # noqa: PLR2004 - a part and its chapter
    if contents:
        yield MarkdownBlock(
            markdown="\n".join(f"- {markup.escape(line.plain)}" for line in contents),
            kind=BlockKind.LINES,
        )
    for block in waiting[len(contents) :]:
        yield block.starting(ChapterStart(block.plain, block.level))


def _lines_are_paragraphs(text: str) -> bool:
    """Say whether each line is a paragraph: hardly an empty line, and lines that aren't wrapped."""
    lines = text[:200_000].split("\n")
    lengths = [len(line) for line in lines if line.strip()]
    if not lengths:
        return False
    empty = (len(lines) - len(lengths)) / len(lines)
    return max(lengths) > 2 * _WRAP_MAX and (empty < 0.02 or median(lengths) > _WRAP_MAX)  # noqa: PLR2004


def _paragraphs(text: str, one_per_line: bool) -> Iterator[str]:
    if one_per_line:
        yield from (line for line in text.split("\n") if line.strip())
        return
    start = 0
    for gap in _BLANK_LINES.finditer(text):
        yield from _indented(text[start : gap.start()])
        start = gap.end()
    yield from _indented(text[start:])


def _indented(paragraph: str) -> Iterator[str]:
    """Split a stretch whose paragraphs are set off by a first-line indent only."""
    groups: list[list[str]] = []
    for line in paragraph.split("\n"):
        if not groups or line[:1] in (" ", "\t"):
            groups.append([])
        groups[-1].append(line)
    several = len(groups) > 1 and any(len(group) > 1 for group in groups)
    inner = [len(line) for group in groups for line in group[:-1]]
    if several and min(inner) > _FILLED * max(inner) and max(inner) >= _WRAP_MIN:
        yield from ("\n".join(group) for group in groups)
    elif paragraph.strip():
        yield paragraph


def _chapter(paragraph: str) -> MarkdownBlock | None:
    lines = [line.strip() for line in paragraph.strip().split("\n")]
    title = " ".join(line for line in lines if line)
    if len(lines) > _MAX_TITLE_LINES or not 0 < len(title) <= _MAX_TITLE_CHARS:
        return None
    level = 1 if _PART.fullmatch(title) else 2 if _CHAPTER.fullmatch(title) else 0
    if not level or (title[-1] in ".,;:?!" and len(title.split()) > 6):  # noqa: PLR2004
        return None
    return heading(level, markup.escape(title), title)


def _paragraph(paragraph: str, one_per_line: bool) -> MarkdownBlock:
    lines = [line.strip() for line in paragraph.split("\n") if line.strip()]
    if _RULE.fullmatch(paragraph):
        return MarkdownBlock(markdown=markup.RULE)
    items = sum(bool(_LIST_ITEM.match(line)) for line in lines)
    if 1 < len(lines) < 3 * items and _LIST_ITEM.match(lines[0]):
        return MarkdownBlock(markdown="\n".join(map(_item, lines)), kind=BlockKind.LINES)
    if len(lines) == 1 or one_per_line or _wrapped(lines):
        joined = _HYPHEN.sub("-", "\n".join(lines)).replace("\n", " ")
        return MarkdownBlock(markdown=markup.guard(markup.escape(" ".join(joined.split()))))
    return MarkdownBlock(
        markdown=markup.guard("\\\n".join(markup.escape(" ".join(line.split())) for line in lines))
    )


def _item(line: str) -> str:
    match = _LIST_ITEM.match(line)
    if match is None:
        return "  " + markup.guard(markup.escape(line))
    return ("- " if match[1] else f"{match[2]}. ") + markup.escape(match[3])


def _wrapped(lines: list[str]) -> bool:
    """Say whether lines end where a margin was: all but the last are long and much alike."""
    lengths = [len(line) for line in lines if line.strip()]
    if len(lengths) == 1:
        return True
    longest = max(lengths)
    filled = sum(length > _FILLED * longest for length in lengths[:-1])
    if len(lengths) == 2:  # noqa: PLR2004
        return lengths[0] >= _WRAP_MIN
    return longest >= _WRAP_MIN and filled >= 0.75 * (len(lengths) - 1)
