"""Cuts a block that is longer than a page: paragraphs at sentences, other blocks at lines."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from services.ingest.pages import markup
from services.ingest.pages.blocks import BlockKind, MarkdownBlock
from services.ingest.pages.sentence_starts import sentence_starts

_REFERENCE = re.compile(r"(?<!\\)\[\^(\w+)\]")
# What must not be cut, and the marks that must be closed before a cut. The lengths are bounded so
# that a text of nothing but brackets stays linear.
_TOKEN = re.compile(
    r"(?P<whole>\\.|(?:(?<!`)|(?<=\\`))(?P<tick>`++).{1,500}?(?<!`)(?P=tick)(?!`)"
    r"|!?\[(?:\\.|[^\[\]\\\n]){0,500}+\]\([^()\s]{0,2000}+\)|\[\^\w{1,32}\])"
    r"|(?P<mark>\*{1,3})",
    re.S,
)
_TABLE_HEAD_LINES = 2
_MAX_HEADING_CHARS = 400


def cut_block(block: MarkdownBlock, target: int, longest: int) -> Iterator[MarkdownBlock]:
    """Yield ``block`` or, if it is over ``longest`` characters, pieces of about ``target``."""
    if block.kind is BlockKind.HEADING and len(block.markdown) > _MAX_HEADING_CHARS:
        block = replace(block, kind=BlockKind.TEXT, level=0, markdown=block.markdown.lstrip("# "))
    if len(block.markdown) <= longest:
        yield block
        return
    for piece in _CUTTERS.get(block.kind, _cut_lines)(block.markdown, target):
        yield _part(block, piece)


def _part(block: MarkdownBlock, markdown: str) -> MarkdownBlock:
    labels = set(_REFERENCE.findall(markdown)) if block.notes else set()
    notes = tuple(note for note in block.notes if note.label in labels)
    return replace(block, markdown=markdown, notes=notes, chapter=None)


def cut_text(text: str, limit: int) -> list[str]:
    """Cut inline Markdown into even pieces of at most ``limit`` characters.

    Cuts fall at sentence starts; where a stretch has none, at spaces; where it has none, anywhere
    but inside a link, a code span or a note reference. Emphasis that is open at a cut is closed
    and opened again. Linear in the length of ``text``.
    """
    if len(text) <= limit:
        return [text]
    even = ceil(len(text) / ceil(len(text) / limit))
    boundaries = list(sentence_starts(text))
    spans, marks = _tokens(text)
    pieces, start, carried = [], 0, ""
    while len(text) - start > limit:
        stop = _outside(_cut_at(text, start, even, limit, boundaries), start, spans)
        opened = _open_mark(marks, start, stop, carried)
        pieces.append(carried + text[start:stop].strip() + opened)
        start, carried = stop, opened
    pieces.append(carried + text[start:].strip())
    return [piece for piece in pieces if piece.strip("*")]


def _cut_at(text: str, start: int, even: int, limit: int, boundaries: list[int]) -> int:
    """Return the last sentence start up to ``start + even``, the first after it, or a space."""
    after = bisect_right(boundaries, start + even)
    if after and boundaries[after - 1] > start + even // 2:
        return boundaries[after - 1]
    if after < len(boundaries) and boundaries[after] <= start + limit:
        return boundaries[after]
    space = text.rfind(" ", start + even // 2, start + even)
    return space + 1 if space > start else start + even


def _tokens(text: str) -> tuple[list[tuple[int, int]], list[tuple[int, str]]]:
    spans, marks = [], []
    for token in _TOKEN.finditer(text):
        if token["mark"]:
            marks.append((token.start(), token["mark"]))
        else:
            spans.append(token.span())
    return spans, marks


def _outside(stop: int, start: int, spans: list[tuple[int, int]]) -> int:
    at = bisect_right(spans, (stop, -1)) - 1
    if at >= 0 and spans[at][0] < stop < spans[at][1]:
        first, last = spans[at]
        return first if first > start else last
    return stop


def _open_mark(marks: list[tuple[int, str]], start: int, stop: int, carried: str) -> str:
    """Return the emphasis that is still open at ``stop``, given what was open at ``start``."""
    opened = carried
    for _, mark in marks[bisect_right(marks, (start, "")) : bisect_right(marks, (stop, ""))]:
        opened = opened[: -len(mark)] if opened.endswith(mark) else opened + mark
    return opened if len(opened) <= 3 else ""  # noqa: PLR2004 - "***" is the most there is


def _cut_lines(markdown: str, limit: int) -> Iterator[str]:
    """Cut lists and quotes at lines; a line that is too long is cut like a paragraph."""
    return _packed(
        (
            markup.indent(piece, prefix, prefix) if number else piece
            for line in markdown.split("\n")
            for prefix in [_prefix(line)]
            for number, piece in enumerate(cut_text(line, limit))
        ),
        limit,
    )


def _prefix(line: str) -> str:
    """Return the quote marks of a line and the indent that continues its list item."""
    match = re.match(r"(?:> ?)*(?:[ ]*(?:[-*+]|\d{1,9}[.)])[ ]+|[ ]+)?", line)
    marks = match[0] if match else ""
    return re.sub(r"[^>\s]", " ", marks)


def _cut_code(markdown: str, limit: int) -> Iterator[str]:
    fence, *lines = markdown.split("\n")
    ticks = re.match(r"`+", fence)
    close = ticks[0] if ticks else "```"
    pieces = (
        line[at : at + limit] for line in lines[:-1] for at in range(0, len(line) or 1, limit)
    )
    for piece in _packed(pieces, limit):
        yield f"{fence}\n{piece}\n{close}"


def _cut_table(markdown: str, limit: int) -> Iterator[str]:
    lines = markdown.split("\n")
    head, rows = lines[:_TABLE_HEAD_LINES], lines[_TABLE_HEAD_LINES:]
    if any(len(row) > limit for row in lines):
        # A row longer than a page is no table that anybody could follow: read it as text.
        yield from _cut_lines(
            "\n".join([head[0].strip("| "), *(r.strip("| ") for r in rows)]), limit
        )
        return
    for piece in _packed(iter(rows), max(limit - len(head[0]), limit // 2)):
        yield "\n".join([*head, piece])


def _packed(lines: Iterator[str], limit: int) -> Iterator[str]:
    """Join lines to pieces of at most ``limit`` characters, or one line if it is longer."""
    open_lines: list[str] = []
    size = 0
    for line in lines:
        if open_lines and size + len(line) > limit:
            yield "\n".join(open_lines).strip("\n")
            open_lines, size = [], 0
        open_lines.append(line)
        size += len(line) + 1
    if open_lines:
        yield "\n".join(open_lines).strip("\n")


def _text_pieces(markdown: str, limit: int) -> Iterator[str]:
    return iter(cut_text(markdown, limit))


_CUTTERS = {
    BlockKind.TEXT: _text_pieces,
    BlockKind.TABLE: _cut_table,
    BlockKind.CODE: _cut_code,
    BlockKind.LINES: _cut_lines,
}
