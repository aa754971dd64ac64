"""Which part of the page each spoken word stands for, and that no word of the page is missing."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from libs.common.contracts.speech.utterances import Omission
from services.segmenter.wording.aligned import Aligned, Omitted, Run

Quad = tuple[int, int, int, int]
"""A span: where it starts and ends in the text of the utterance, and in the page."""

_TOKEN: Final = re.compile(r"\S+")
_WORDS: Final = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)


class SpanReader:
    """Gives the spans of successive ranges of one text, moving forward only."""

    def __init__(self, spoken: Aligned) -> None:
        self._text = spoken.text
        self._runs = spoken.runs
        self._index = 0

    def spans(self, start: int, end: int) -> list[Quad]:
        """Return one span per word of the range; spoken offsets count from ``start``.

        A word that several runs make up is one span unless something omitted lies inside; an
        expansion is one span however many words it has; an announcement that nothing in the page
        stands for shares the span of the word after it.
        """
        text, runs, index = self._text, self._runs, self._index
        found: list[Quad] = []
        last: Run | None = None
        for token in _TOKEN.finditer(text, start, end):
            position, stop = token.span()
            within = False
            while position < stop:
                while runs[index].end <= position:
                    index += 1
                run = runs[index]
                upto = run.end if run.end < stop else stop
                if run.exact:
                    low = run.source_start + position - run.start
                    high = low + upto - position
                else:
                    low, high = run.source_start, run.source_end
                if found and (
                    (run is last and not run.exact)
                    or (within and not (run.sealed and position == run.start))
                    or found[-1][2] == found[-1][3]
                ):
                    found[-1] = _extended(found[-1], upto - start, low, high)
                else:
                    found.append((position - start, upto - start, low, high))
                position, last, within = upto, run, True
        self._index = index
        return found


def _extended(span: Quad, stop: int, low: int, high: int) -> Quad:
    """Return ``span`` with one more run; one without a source of its own takes that of the run."""
    if span[2] == span[3]:
        return (span[0], stop, low, high)
    return (span[0], stop, span[2], high if high > low else span[3])


def state_omissions(
    source: str, omitted: Sequence[Omitted], covered: Sequence[tuple[int, int]]
) -> tuple[Omission, ...]:
    """Return all omissions, in order; words that are neither spoken nor omitted are "markup".

    Such are the names of entities that stand for spaces, and the labels of empty notes.
    """
    found = list(omitted)
    position = 0
    for start, end in sorted([*covered, *((omission.start, omission.end) for omission in omitted)]):
        if start > position + 1 or (start > position and source[position].isalnum()):
            found.extend(_markup(source, position, start))
        position = max(position, end)
    found.extend(_markup(source, position, len(source)))
    found.sort()
    return tuple(
        Omission(source_start=omission.start, source_end=omission.end, reason=omission.reason)
        for omission in found
    )


def _markup(source: str, start: int, end: int) -> Iterator[Omitted]:
    words = _WORDS.search(source, start, end)
    if words:
        yield Omitted(*words.span(), "markup")
