"""Places what was spoken: when each sentence and word is heard, and where it is on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.common.contracts.speech.timings import TimedUtterance, TimedWord, Timings
from libs.common.contracts.speech.utterances import Span, Utterance
from services.synth.audio.codecs.codec import RATE_HZ
from services.synth.engines.port import WordMark


@dataclass(frozen=True)
class SegmentTiming:
    """What is known of a segment once it is spoken: its samples and word marks at 24 kHz."""

    samples: int
    words: tuple[WordMark, ...] = ()


def build_timings(
    utterances: Sequence[Utterance],
    spoken: Sequence[SegmentTiming],
    offsets: Sequence[int],
    samples: int,
    nonce: str,
) -> Timings:
    """Place what was spoken.

    Args:
        utterances: Of the page, in order.
        spoken: The segment of each.
        offsets: The sample at which each segment begins in the page's audio.
        samples: Length of the page's audio.
        nonce: That of the page, see :mod:`libs.common.contracts.details`.
    """
    heard: list[TimedUtterance] = []
    words: list[TimedWord] = []
    for utterance, segment, offset in zip(utterances, spoken, offsets, strict=True):
        end = min(offset + segment.samples, samples)
        heard.append(
            TimedUtterance(
                index=utterance.index,
                start_ms=_ms(offset),
                end_ms=_ms(end),
                source_start=utterance.source_start,
                source_end=utterance.source_end,
            )
        )
        words += _words(utterance, segment.words, offset, end)
    return Timings(
        nonce=nonce, duration_ms=_ms(samples), utterances=tuple(heard), words=tuple(words)
    )


def source_range(spans: Sequence[Span], start: int, end: int) -> tuple[int, int] | None:
    """Map spoken code points ``[start, end)`` to the page; None where no span covers them.

    Within a span that is as long on both sides the text is the same, so the mapping is exact; a
    span that was rewritten ("1984") is one piece, whichever of its spoken words is asked for.
    """
    found: list[tuple[int, int]] = []
    for span in spans:
        first, last = max(start, span.spoken_start), min(end, span.spoken_end)
        if first >= last:
            continue
        shift = span.source_start - span.spoken_start
        if span.source_end - span.spoken_end == shift:
            found.append((first + shift, last + shift))
        else:
            found.append((span.source_start, span.source_end))
    if not found:
        return None
    return min(first for first, _ in found), max(last for _, last in found)


def _words(
    utterance: Utterance, marks: Sequence[WordMark], offset: int, end: int
) -> list[TimedWord]:
    """A word lasts until the next one; words that stand for the same text are one."""
    placed: list[tuple[int, tuple[int, int]]] = []
    for mark in marks:
        where = source_range(utterance.spans, mark.start, mark.end)
        if where is not None and (not placed or placed[-1][1] != where):
            placed.append((min(offset + mark.sample, end), where))
    ends = [*(at for at, _ in placed), end][1:]
    return [
        TimedWord(
            utterance=utterance.index,
            start_ms=_ms(at),
            end_ms=_ms(until),
            source_start=start,
            source_end=end,
        )
        for (at, (start, end)), until in zip(placed, ends, strict=True)
    ]


def _ms(samples: int) -> int:
    return round(samples * 1000 / RATE_HZ)
