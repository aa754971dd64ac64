"""When each sentence and word of a page is heard, and where it stands in the page as shown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from libs.common.contracts.utterances import Span, Utterance
from services.synth.audio.codecs.codec import RATE_HZ
from services.synth.engines.port import WordMark

VERSION = 1


@dataclass(frozen=True)
class SegmentTiming:
    """What is known of a segment once it is spoken: its samples and word marks at 24 kHz."""

    samples: int
    words: tuple[WordMark, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TimedSentence:
    """An utterance in time and in the page's Markdown; half-open ranges."""

    index: int
    start_ms: int
    end_ms: int
    source_start: int
    source_end: int


@dataclass(frozen=True, kw_only=True)
class TimedWord:
    """A word in time and in the page's Markdown, of the utterance ``sentence``."""

    sentence: int
    start_ms: int
    end_ms: int
    source_start: int
    source_end: int


@dataclass(frozen=True)
class Timings:
    """Sentences and words in the order in which they are heard; times never overlap."""

    duration_ms: int
    sentences: tuple[TimedSentence, ...]
    words: tuple[TimedWord, ...]

    def to_json(self) -> bytes:
        """Return the document that players read."""
        document = {
            "version": VERSION,
            "duration_ms": self.duration_ms,
            # There are hundreds on a page, and dataclasses.asdict() copies each of them deeply.
            "sentences": [vars(sentence) for sentence in self.sentences],
            "words": [vars(word) for word in self.words],
        }
        return json.dumps(document, separators=(",", ":")).encode()


def build_timings(
    utterances: Sequence[Utterance],
    spoken: Sequence[SegmentTiming],
    offsets: Sequence[int],
    samples: int,
) -> Timings:
    """Place what was spoken.

    Args:
        utterances: Of the page, in order.
        spoken: The segment of each.
        offsets: The sample at which each segment begins in the page's audio.
        samples: Length of the page's audio.
    """
    sentences: list[TimedSentence] = []
    words: list[TimedWord] = []
    for utterance, segment, offset in zip(utterances, spoken, offsets, strict=True):
        end = min(offset + segment.samples, samples)
        sentences.append(
            TimedSentence(
                index=utterance.index,
                start_ms=_ms(offset),
                end_ms=_ms(end),
                source_start=utterance.source_start,
                source_end=utterance.source_end,
            )
        )
        words += _words(utterance, segment.words, offset, end)
    return Timings(_ms(samples), tuple(sentences), tuple(words))


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
            sentence=utterance.index,
            start_ms=_ms(at),
            end_ms=_ms(until),
            source_start=start,
            source_end=end,
        )
        for (at, (start, end)), until in zip(placed, ends, strict=True)
    ]


def _ms(samples: int) -> int:
    return round(samples * 1000 / RATE_HZ)
