"""Moves a sentence that continues on the next page to the page where it begins, whole."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.ingest.formats.pdf.dehyphenation import Dehyphenator
from services.ingest.formats.pdf.paragraphs import Paragraph, ParagraphRole, space_between
from services.ingest.pages.sentence_starts import ends_sentence, sentence_starts

_MAX_MOVED_CHARS = 2000
_TAIL_CHARS = 200
_MIN_WORDS = 4
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+")
_CUT_WORD = re.compile(r"[^\W\d_]-$")
_SKIPPED = frozenset((ParagraphRole.SMALL,))


@dataclass(slots=True)
class Sheet:
    """A page of the file; ``index`` counts from 0."""

    index: int
    paragraphs: list[Paragraph]


def stitch(sheets: Iterator[Sheet], dehyphenator: Dehyphenator) -> Iterator[Sheet]:
    """Yield pages whose sentences are whole; a page of which nothing is left is not yielded."""
    held: Sheet | None = None
    for sheet in sheets:
        if not sheet.paragraphs:
            continue
        if held is not None:
            _move(held, sheet, dehyphenator)
            if not sheet.paragraphs:
                continue  # all of it was the end of the sentence before
            yield held
        held = sheet
    if held is not None:
        yield held


def _move(held: Sheet, sheet: Sheet, dehyphenator: Dehyphenator) -> None:
    """Move the rest of the last sentence of ``held`` from the beginning of ``sheet``."""
    backwards = reversed(held.paragraphs)
    last = next((paragraph for paragraph in backwards if paragraph.role not in _SKIPPED), None)
    first = sheet.paragraphs[0]
    if (
        last is None
        or last.role not in (ParagraphRole.TEXT, ParagraphRole.ITEM)
        or first.role is not ParagraphRole.TEXT
    ):
        return
    if ends_sentence(last.text):
        return
    stop = _rest(last, first, alone=len(sheet.paragraphs) == 1)
    if not stop:
        return
    last.text = _joined(last.text, first.text[:stop].strip(), dehyphenator)
    first.text = first.text[stop:].strip()
    if not first.text:
        sheet.paragraphs.pop(0)


def _rest(last: Paragraph, first: Paragraph, *, alone: bool) -> int:
    """Return how many characters of ``first`` are the rest of the sentence in ``last``.

    A small letter or a cut word continues it; the whole page moves only if the sentence ends there.
    A capital letter begins a new sentence, but so do names, and some scripts have no capitals: what
    follows a full line of a few words continues it if it ends as a sentence and leaves something.
    """
    begun = first.text[: _MAX_MOVED_CHARS + 1]
    stop = next(sentence_starts(begun), len(begun))
    if stop > _MAX_MOVED_CHARS:
        return 0
    leaves = stop < len(first.text) or not alone
    ends = stop < len(first.text) or ends_sentence(first.text)
    if begun[:1].islower() or _is_cut(last.text, begun):
        return stop if ends or leaves else 0
    wordy = len(_WORD.findall(last.text[-_TAIL_CHARS:])) >= _MIN_WORDS
    return stop if last.full and wordy and ends and leaves else 0


def _is_cut(left: str, right: str) -> bool:
    return _CUT_WORD.search(left[-2:]) is not None and right[:1].isalpha()


def _joined(left: str, right: str, dehyphenator: Dehyphenator) -> str:
    if _is_cut(left, right):
        return left[:-_TAIL_CHARS] + dehyphenator.join(left[-_TAIL_CHARS:-1], right)
    return f"{left}{space_between(left, right)}{right}"
