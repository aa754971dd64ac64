"""A page as the passages that are read one after the other, each knowing where it stands.

markdown-it-py says which lines are what; it gives no columns. A line of a block is always the tail
of a line of the page, so the columns follow from comparing the ends of lines, in order.

Indented code is not a form here: in extracted text an indented line is prose far more often.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final, Literal, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from libs.common.contracts.speech.utterances import Block
from services.segmenter.markdown.content import Content
from services.segmenter.markdown.elements import Marker, Outline, Passage, PassagePart
from services.segmenter.markdown.html_blocks import html_parts
from services.segmenter.markdown.reading_style import ReadingStyle
from services.segmenter.markdown.table_rows import Row, cells_of, table_rows
from services.segmenter.wording.aligned import Omitted
from services.segmenter.wording.characters import SPEAKABLE

_DEEPEST: Final = 60
_NUMBER: Final = re.compile(r"(\d{1,9})[.)]")
_BULLET: Final = re.compile(r"[-+*]")
_ATX: Final = re.compile(r"#{1,6}[ \t]*")
_NOTE: Final = re.compile(r"\[\^([^\s\[\]]++)\]:")
_TASK: Final = re.compile(r"\[([ xX])\]\s+")


def outline_of(source: str, reading: ReadingStyle) -> Outline:
    """Return the outline of a page; lines end with a line feed and nothing else."""
    env: dict[str, Any] = {}
    tokens: list[Token] = []
    parser = _parser()
    parser.block.parse(source, parser, env, tokens)
    references: dict[str, Any] = env.get("references", {})
    definitions = [*references.values(), *env.get("duplicate_refs", ())]
    walk = _Walk(source, reading)
    walk.read(tokens)
    walk.read_gaps({line for definition in definitions for line in range(*definition["map"])})
    body = sorted((passage for passage in walk.passages if not passage.note), key=_start)
    notes = sorted((passage for passage in walk.passages if passage.note), key=_start)
    return Outline([*body, *notes], walk.omitted, frozenset(references))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST})
    return parser.enable("table").disable("code").use(footnote_plugin)


def _start(passage: Passage) -> int:
    return passage.start


class _Note(NamedTuple):
    """A footnote that is open, and how much had been found before it."""

    token: Token
    label: re.Match[str] | None
    passages: int
    omissions: int


class _Walk:
    """Goes through the tokens once and claims every line for exactly one passage."""

    def __init__(self, source: str, reading: ReadingStyle) -> None:
        self.passages: list[Passage] = []
        self.omitted: list[Omitted] = []
        self._source = source
        self._reading = reading
        self._ends = [found.start() for found in re.finditer(r"\n|\Z", source)]
        self._claimed = [0, *(end + 1 for end in self._ends[:-1])]
        self._around: list[Block] = []
        self._notes: list[_Note] = []
        self._pending: Marker | None = None
        self._rows: list[Row] | None = None

    def read(self, tokens: Sequence[Token]) -> None:
        """Turn the tokens of markdown-it's block parser into passages."""
        steps: dict[str, Callable[[Token], None]] = {
            "list_item_open": self._open_item,
            "list_item_close": self._close,
            "blockquote_open": lambda token: self._around.append(Block.QUOTE),
            "blockquote_close": self._close,
            "footnote_reference_open": self._open_note,
            "footnote_reference_close": self._close_note,
            "fence": self._fence,
            "html_block": self._html,
            "hr": self._rule,
            "table_open": self._open_table,
            "tr_open": self._row,
            "table_close": self._close_table,
        }
        previous: Token | None = None
        for token in tokens:
            if token.type == "inline":
                if self._rows is None:
                    self._text(token, previous)
            elif step := steps.get(token.type):
                step(token)
            previous = token

    def read_gaps(self, definitions: set[int]) -> None:
        """Claim what the parser passed over: link definitions, and text nested too deeply."""
        lines: list[tuple[int, int]] = []
        for line, (start, end) in enumerate(zip(self._claimed, self._ends, strict=True)):
            speakable = start < end and SPEAKABLE.search(self._source, start, end)
            if speakable and line in definitions:
                self.omitted.append(Omitted(start, end, "link_definition"))
            elif speakable:
                lines.append((start, end))
                continue
            if lines:
                self._add(Block.PARAGRAPH, [PassagePart(Content.of_lines(self._source, lines))])
                lines = []
        if lines:
            self._add(Block.PARAGRAPH, [PassagePart(Content.of_lines(self._source, lines))])

    def _add(self, block: Block, parts: Sequence[PassagePart], *, literal: bool = False) -> None:
        marker, self._pending = self._pending, None
        if self._notes:
            block = Block.FOOTNOTE
        self.passages.append(
            Passage(
                block=block,
                parts=tuple(parts),
                marker=marker,
                literal=literal,
                note=bool(self._notes),
            )
        )

    def _announce(self, marker: Marker) -> None:
        self._flush()
        self._pending = marker

    def _flush(self) -> None:
        """Read a marker alone if what it announces is not text: an empty item, a list."""
        if self._pending:
            block = Block.CODE if self._pending.kind == "code" else self._block
            self._add(block, ())

    @property
    def _block(self) -> Block:
        return self._around[-1] if self._around else Block.PARAGRAPH

    def _open_item(self, token: Token) -> None:
        self._around.append(Block.LIST_ITEM)
        line = _lines(token)[0]
        pattern = _NUMBER if token.info else _BULLET
        found = pattern.search(self._source, self._claimed[line], self._ends[line])
        if found:
            self._claimed[line] = found.end()
        if found and token.info:
            self._announce(Marker("number", *found.span(), f"{found[1]}."))

    def _close(self, token: Token) -> None:
        self._flush()
        self._around.pop()

    def _open_note(self, token: Token) -> None:
        self._flush()
        line = _lines(token)[0]
        found = _NOTE.search(self._source, self._claimed[line], self._ends[line])
        self._around.append(Block.FOOTNOTE)
        self._notes.append(_Note(token, found, len(self.passages), len(self.omitted)))
        if found:
            self._claimed[line] = found.end()
            self._announce(Marker("footnote", *found.span(), found[1]))

    def _close_note(self, token: Token) -> None:
        self._close(token)
        note = self._notes.pop()
        if self._reading.footnotes == "end" or self._notes or note.label is None:
            return
        first, last = _lines(note.token)
        del self.passages[note.passages :]
        del self.omitted[note.omissions :]
        self._omit(note.label.start(), self._ends[last - 1], "footnote")
        self._claim(first, last)

    def _text(self, token: Token, before: Token | None) -> None:
        first, last = _lines(token)
        heading = before is not None and before.type == "heading_open"
        if heading and before is not None and before.markup.startswith("#"):
            lines = list(self._after_signs(first, token.content))
        else:
            lines = list(self._tails(first, last, token.content))
        if not lines:
            return
        start, end = lines[0]
        task = _TASK.match(self._source, start, end)
        if task and self._around and self._around[-1] is Block.LIST_ITEM:
            kind: Literal["done", "to_do"] = "to_do" if task[1] == " " else "done"
            self._announce(Marker(kind, start, start + len("[x]")))
            lines[0] = (task.end(), end)
        block = Block.HEADING if heading else self._block
        self._add(block, [PassagePart(Content.of_lines(self._source, lines))])

    def _after_signs(self, line: int, content: str) -> Iterator[tuple[int, int]]:
        start, end = self._claimed[line], self._ends[line]
        self._claimed[line] = end
        signs = _ATX.search(self._source, start, end)
        text = content.strip()
        found = self._source.find(text, signs.end() if signs else start, end)
        if text and found >= 0:
            yield found, found + len(text)

    def _tails(self, first: int, last: int, content: str) -> Iterator[tuple[int, int]]:
        """Yield where each line of ``content`` is, claiming it; lines are given from ``first``."""
        line = first
        for text in map(str.strip, content.split("\n")):
            while text and line < last:
                start, end = self._claimed[line], self._ends[line]
                raw = self._source[start:end].rstrip()
                line += 1
                if raw.endswith(text):
                    self._claimed[line - 1] = end
                    yield start + len(raw) - len(text), start + len(raw)
                    break

    def _fence(self, token: Token) -> None:
        self._flush()
        first, last = _lines(token)
        start = self._source.find(token.markup, self._claimed[first], self._ends[first])
        inside = start + len(token.markup)
        if self._reading.code == "read":
            for lines in self._tails(first + 1, last, token.content):
                self._add(
                    Block.CODE, [PassagePart(Content.of_lines(self._source, [lines]))], literal=True
                )
            self._omit(inside, self._ends[first], "code")
        else:
            if self._reading.code == "notice" and SPEAKABLE.search(token.content):
                self._announce(Marker("code", start, inside))
                self._flush()
            self._omit(inside, self._ends[last - 1], "code")
        self._claim(first, last)

    def _html(self, token: Token) -> None:
        first, last = _lines(token)
        start, end = self._claimed[first], self._ends[last - 1]
        for lines in html_parts(self._source, start, end, self.omitted):
            self._add(self._block, [PassagePart(Content.of_lines(self._source, [lines]))])
        self._claim(first, last)

    def _rule(self, token: Token) -> None:
        if self.passages:
            self.passages[-1] = replace(self.passages[-1], scene_ends=True)

    def _open_table(self, token: Token) -> None:
        self._flush()
        self._rows = []

    def _row(self, token: Token) -> None:
        line = _lines(token)[0]
        if self._rows is not None:
            self._rows.append(cells_of(self._source, self._claimed[line], self._ends[line]))
        self._claim(line, line + 1)

    def _close_table(self, token: Token) -> None:
        rows, self._rows = self._rows or [], None
        if self._reading.tables == "omit":
            cells = [cell for row in rows for cell in row]
            self._omit(cells[0][0], cells[-1][1], "table")
            return
        for row in table_rows(self._source, rows, self.omitted):
            self._add(Block.TABLE, [PassagePart(content, header) for content, header in row])

    def _claim(self, first: int, last: int) -> None:
        self._claimed[first:last] = self._ends[first:last]

    def _omit(self, start: int, end: int, reason: str) -> None:
        text = self._source[start:end]
        if SPEAKABLE.search(text):
            start += len(text) - len(text.lstrip())
            self.omitted.append(Omitted(start, start + len(text.strip()), reason))


def _lines(token: Token) -> tuple[int, int]:
    if token.map is None:
        raise ValueError(f"markdown-it gave no lines for {token.type}")
    return token.map[0], token.map[1]
