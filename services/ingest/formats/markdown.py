"""Markdown -> pages: CommonMark with tables, strikethrough, footnotes and front matter.

A long text is read in parts, so that its first page is there at once.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin

from services.ingest.conversion import notes
from services.ingest.conversion.flow import Flow
from services.ingest.conversion.xmltree import local, parse_html
from services.ingest.formats.document_format import DocumentFormat
from services.ingest.pages.blocks import MarkdownBlock
from services.ingest.pages.cleaning import clean, one_line
from services.ingest.pages.document import Item, Metadata
from services.ingest.pages.document_language import Language
from services.ingest.pages.paginate import Paginator, chapter_level, mark_chapters
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.pages.titles import filename_title

_PART_CHARS = 12_000
_NOTES_AT_ONCE = 200
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_FIELD = re.compile(r"^(title|author|authors|lang|language)[ \t]*+:[ \t]*+(.+)$", re.M | re.I)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_SAFE_START = re.compile(r"[^\W\d_]|#{1,6}[ \t]")
_NOTE = re.compile(r" {0,3}\[\^([^\]\s]{1,100})\]:")
_NOTE_USE = re.compile(r"[ \t]?(?<!\\)\[\^([^\]\s]{1,100})\]")
_LINK = re.compile(
    r" {0,3}\[[^\]^][^\]]{0,200}\]:[ \t]*(?:<[^<>]*>|[^\s<]\S*)"
    r"(?:[ \t]+(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\)))?[ \t]*$"
)


@cache
def _reader() -> MarkdownIt:
    # Nesting beyond 20 levels is no document; the limit keeps hostile texts linear.
    reader = MarkdownIt("commonmark", {"html": True, "maxNesting": 20})
    return reader.enable(["table", "strikethrough"]).use(footnote_plugin)


def preload_markdown() -> None:
    """Build the Markdown reader now rather than at the first document."""
    _reader()


def read_markdown(text: str, filename: str | None) -> Iterator[Item]:
    """Yield the pages of a Markdown text, then its metadata.

    Raises:
        Rejected: there is nothing to read.
    """
    text = clean(text)
    fields, text = _front_matter(text)
    source = _Source(text)
    language = Language(fields.get("lang") or fields.get("language"))
    paginator = Paginator(language)
    level = chapter_level(source.headings, len(text))
    heading = ""
    for blocks in source.parts():
        heading = heading or next((block.plain for block in blocks if block.plain), "")
        yield from paginator.feed(mark_chapters(blocks, level))
    yield from paginator.finish()
    if not paginator.pages:
        raise rejected(Reason.EMPTY)
    yield Metadata(
        title=fields.get("title") or one_line(heading) or filename_title(filename),
        author=fields.get("author") or fields.get("authors"),
        language=language.name,
        media_type=DocumentFormat.MARKDOWN.value,
        chapters=tuple(paginator.chapters),
    )


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """Return the YAML fields that are plain text, and what follows the front matter."""
    match = _FRONT_MATTER.match(text.lstrip("\n"))
    if match is None or ":" not in match[1]:
        return {}, text
    fields = {
        name.lower(): one_line(value.strip().strip("[]").strip("\"'"))
        for name, value in _FIELD.findall(match[1])
    }
    return fields, text.lstrip("\n")[match.end() :]


class _Source:
    """A Markdown text, its definitions taken out so that every part can use them."""

    def __init__(self, text: str) -> None:
        self.headings: Counter[int] = Counter()
        self._notes: dict[str, str] = {}
        self._links: list[str] = []
        self._lines: list[tuple[str, bool]] = []
        self._split(text.split("\n"))
        env: dict[str, Any] = {}
        _reader().parse("\n".join(self._links), env)
        self._references = env.get("references", {})
        self._given: set[str] = set()
        self._book = notes.NoteBook()

    def _split(self, lines: list[str]) -> None:
        """Sort lines into text, link and footnote definitions; note which are outside fences."""
        fence, note, before = "", "", ""
        for line in lines:
            mark = _FENCE.match(line)
            outside = not fence and mark is None
            if mark and not fence:
                fence = mark[1]
            elif mark and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            definition = _NOTE.match(line) if outside else None
            if definition:
                note = definition[1]
                self._notes[note] = line
            elif note and (line.startswith(("    ", "\t")) or (before and self._lazy(line))):
                self._notes[note] += f"\n{line}"
            elif outside and _LINK.match(line):
                self._links.append(line)
            else:
                note = note if not line.strip() else ""
                self._lines.append((line, outside))
                self._count(line, before, outside)
            before = line.strip()

    @staticmethod
    def _lazy(line: str) -> bool:
        return bool(line.strip()) and not _HEADING.match(line) and not _FENCE.match(line)

    def _count(self, line: str, before: str, outside: bool) -> None:
        mark = _HEADING.match(line) if outside else None
        if mark:
            self.headings[len(mark[1])] += 1
        elif outside and before and _UNDERLINE.match(line):
            self.headings[1 if "=" in line else 2] += 1

    def parts(self) -> Iterator[list[MarkdownBlock]]:
        """Yield the blocks of one part of the text after another."""
        for part in self._parts():
            used = self._used(part)
            yield self._read(part, used)
            yield from self._missed(self._within(used))
        yield from self._missed(self._notes)

    def _used(self, text: str) -> list[str]:
        """Return the labels of the footnotes that a text refers to, each once."""
        used = dict.fromkeys(_NOTE_USE.findall(text))
        return [label for label in used if label in self._notes]

    def _within(self, labels: Iterable[str]) -> list[str]:
        """Return the unread footnotes that those read refer to, directly or through others."""
        ahead = [label for label in labels if label in self._given]
        found: dict[str, None] = {}
        while ahead:
            used = self._used(self._notes[ahead.pop()])
            fresh = [label for label in used if label not in found and label not in self._given]
            found.update(dict.fromkeys(fresh))
            ahead.extend(fresh)
        return list(found)

    def _missed(self, labels: Iterable[str]) -> Iterator[list[MarkdownBlock]]:
        """Yield those footnotes that were not read yet, each as a block without a text."""
        missed = [label for label in labels if label not in self._given]
        for at in range(0, len(missed), _NOTES_AT_ONCE):
            some = missed[at : at + _NOTES_AT_ONCE]
            blocks = self._read("\n\n".join(f"[^{label}]" for label in some), some)
            yield [MarkdownBlock(markdown="", notes=block.notes) for block in blocks if block.notes]

    def _read(self, text: str, labels: Iterable[str]) -> list[MarkdownBlock]:
        """Return the blocks of a text that may refer to the footnotes with these labels."""
        env: dict[str, Any] = {"references": self._references}
        page = _reader().render("\n\n".join([text, *map(self._body, labels)]), env)
        places: dict[str, int] = env.get("footnotes", {}).get("refs", {})
        self._given.update(key[1:] for key, place in places.items() if place >= 0)
        return self._blocks(page)

    def _body(self, label: str) -> str:
        """Return the definition of a footnote without references to others, which nobody reads."""
        mark, _, text = self._notes[label].partition("]:")
        return f"{mark}]:{_NOTE_USE.sub(self._without, text)}"

    def _without(self, use: re.Match[str]) -> str:
        return "" if use[1] in self._notes else use[0]

    def _parts(self) -> Iterator[str]:
        open_lines: list[str] = []
        size, blank = 0, True
        for line, outside in self._lines:
            if size > _PART_CHARS and blank and outside and _SAFE_START.match(line):
                yield "\n".join(open_lines)
                open_lines, size = [], 0
            open_lines.append(line)
            size += len(line) + 1
            blank = not line.strip()
        yield "\n".join(open_lines)

    def _blocks(self, page: str) -> list[MarkdownBlock]:
        root = parse_html(f"<html><body>{page}</body></html>")
        ids = {element.get("id"): element for element in root.iter("*") if element.get("id")}
        flow = Flow(self._book, lambda href: ids.get(href.lstrip("#")))
        flow.read_notes(root)
        for section in root.iter("section", "hr"):
            if section.get("class") in ("footnotes", "footnotes-sep"):
                section.clear()
                section.tag = "div"
        body = next((child for child in root if local(child) == "body"), root)
        return flow.blocks(body)
