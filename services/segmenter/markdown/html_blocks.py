"""HTML blocks: the text between the tags is read, the tags are not."""

import re
from collections.abc import Iterator
from typing import Final

from markdown_it.common.html_blocks import block_names

from services.segmenter.wording.aligned import Omitted
from services.segmenter.wording.characters import SPEAKABLE

_BREAK: Final = re.compile(
    r"(?P<blank>\n[ \t>]*+\n)|<!--.*?(?:-->|\Z)"
    r"|<(?P<silent>script|style)\b[^<>]*+>.*?(?:</(?P=silent)\s*>|\Z)"
    rf"|</?(?:{'|'.join(block_names)}|br|pre|textarea)\b[^<>]*+>",
    re.DOTALL | re.IGNORECASE,
)


def html_parts(
    source: str, start: int, end: int, omitted: list[Omitted]
) -> Iterator[tuple[int, int]]:
    """Yield the ranges of ``source[start:end]`` that are read, split at tags that break lines."""
    position = start
    for found in _BREAK.finditer(source, start, end):
        yield from _speakable(source, position, found.start())
        if not found["blank"]:
            omitted.append(Omitted(*found.span(), "html"))
        position = found.end()
    yield from _speakable(source, position, end)


def _speakable(source: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    text = source[start:end]
    if SPEAKABLE.search(text):
        start += len(text) - len(text.lstrip())
        yield start, start + len(text.strip())
