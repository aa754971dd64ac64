"""Moves a sentence that goes on over a page's end to the page where it begins, whole."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.ingest import sentences
from services.ingest.pdf.paragraphs import Paragraph, Role, Vocabulary

_MAX_MOVED_CHARS = 2000
_SKIPPED = frozenset((Role.SMALL,))


@dataclass(slots=True)
class Sheet:
    """A page of the file; ``index`` counts from 0."""

    index: int
    paragraphs: list[Paragraph]


def stitch(sheets: Iterator[Sheet], vocabulary: Vocabulary) -> Iterator[Sheet]:
    """Yield pages whose sentences are whole; a page of which nothing is left is not yielded."""
    held: Sheet | None = None
    for sheet in sheets:
        if not sheet.paragraphs:
            continue
        if held is not None:
            _move(held, sheet, vocabulary)
            if not sheet.paragraphs:
                continue  # all of it belonged to the sentence before
            yield held
        held = sheet
    if held is not None:
        yield held


def _move(held: Sheet, sheet: Sheet, vocabulary: Vocabulary) -> None:
    """Move the rest of the last sentence of ``held`` from the beginning of ``sheet``."""
    last = next((each for each in reversed(held.paragraphs) if each.role not in _SKIPPED), None)
    first = sheet.paragraphs[0]
    if last is None or last.role not in (Role.TEXT, Role.ITEM) or first.role is not Role.TEXT:
        return
    if sentences.complete(last.text) or not _goes_on(last.text, first.text):
        return
    stop = next(sentences.starts(first.text), len(first.text))
    if stop > _MAX_MOVED_CHARS:
        return
    last.text = _joined(last.text, first.text[:stop].strip(), vocabulary)
    first.text = first.text[stop:].strip()
    if not first.text:
        sheet.paragraphs.pop(0)


def _goes_on(left: str, right: str) -> bool:
    """Say whether the text after a page's end can be the rest of its last sentence.

    A new sentence begins with a capital letter, but so do names: what ends without a full stop
    after at least a few words goes on.
    """
    return right[:1].islower() or len(re.findall(r"\w+", left)) > 3  # noqa: PLR2004


def _joined(left: str, right: str, vocabulary: Vocabulary) -> str:
    if re.search(r"\w-$", left) and right[:1].islower():
        return vocabulary.join(left[:-1], right)
    return f"{left} {right}"
