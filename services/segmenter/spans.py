"""Which part of the page each spoken word stands for, and that no word of the page is missing."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from libs.common.utterances import Omission, Span
from services.segmenter.aligned import Aligned, Omitted, Run

_TOKEN: Final = re.compile(r"\S+")
_WORDS: Final = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)


class SpanReader:
    """Gives the spans of successive ranges of one text, moving forward only."""

    def __init__(self, spoken: Aligned) -> None:
        self._text = spoken.text
        self._runs = spoken.runs
        self._index = 0

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """Return one span per word of the range; spoken offsets count from ``start``.

        A word that several runs make up is one span unless something omitted lies inside; an
        expansion is one span however many words it has; an announcement that nothing in the page
        stands for shares the span of the word after it.
        """
        pieces = list(self._pieces(start, end))
        return tuple(
            Span.model_construct(
                spoken_start=first - start,
                spoken_end=stop - start,
                source_start=low,
                source_end=high,
            )
            for first, stop, low, high in pieces
        )

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        runs, index = self._runs, self._index
        held: tuple[int, int, int, int] | None = None
        last: Run | None = None
        for token in _TOKEN.finditer(self._text, start, end):
            position, stop = token.span()
            within = False
            while position < stop:
                while runs[index].end <= position:
                    index += 1
                run = runs[index]
                upto = min(run.end, stop)
                low, high = run.source_at(position), run.source_before(upto)
                joined = held is not None and (
                    (run is last and not run.exact)
                    or (within and not (run.sealed and position == run.start))
                    or held[2] == held[3]
                )
                if held is not None and joined:
                    first = low if held[2] == held[3] else held[2]
                    held = (held[0], upto, first, max(high, held[3]) if high > low else held[3])
                else:
                    if held is not None:
                        yield held
                    held = (position, upto, low, high)
                position, last, within = upto, run, True
        if held is not None:
            yield held
        self._index = index


def state_omissions(
    source: str, omitted: Sequence[Omitted], covered: Sequence[tuple[int, int]]
) -> tuple[Omission, ...]:
    """Return all omissions, in order; words that are neither spoken nor omitted are "markup".

    Such are the names of entities that stand for spaces, and the labels of empty notes.
    """
    found = list(omitted)
    position = 0
    for start, end in sorted([*covered, *((each.start, each.end) for each in omitted)]):
        if start > position:
            found.extend(_markup(source, position, start))
        position = max(position, end)
    found.extend(_markup(source, position, len(source)))
    found.sort()
    return tuple(
        Omission(source_start=each.start, source_end=each.end, reason=each.reason) for each in found
    )


def _markup(source: str, start: int, end: int) -> Iterator[Omitted]:
    if start == end or (end - start == 1 and not source[start].isalnum()):
        return
    words = _WORDS.search(source, start, end)
    if words:
        yield Omitted(*words.span(), "markup")
