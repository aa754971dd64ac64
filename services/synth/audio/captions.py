"""Captions in WebVTT (https://www.w3.org/TR/webvtt1/): one cue per utterance, long ones split."""

from collections.abc import Iterator, Sequence

from libs.common.contracts.speech.utterances import Utterance
from services.synth.audio.codecs.codec import RATE_HZ
from services.synth.audio.placement import SegmentTiming
from services.synth.engines.port import WordMark

# Two lines of 42 characters, what subtitle guidelines (BBC, Netflix) let a viewer read at once.
MAX_CHARACTERS = 84
PAUSES = tuple(",;:.!?…—)")
# A line is broken at punctuation only if that leaves it at least this full.
LEAST_FULL = 0.5


def webvtt(
    utterances: Sequence[Utterance],
    spoken: Sequence[SegmentTiming],
    offsets: Sequence[int],
    nonce: str,
) -> str:
    """Write captions for a page; arguments as for ``build_timings``. Cues never overlap."""
    cues = ["WEBVTT\n", f"NOTE {nonce}\n"]
    previous = 0
    for utterance, segment, offset in zip(utterances, spoken, offsets, strict=True):
        for start, end, text in _cues(utterance.text, segment):
            first = max(previous, _ms(offset + start))
            last = _ms(offset + end)
            shown = _escaped(text)
            if last > first and shown:
                cues.append(f"{_stamp(first)} --> {_stamp(last)}\n{shown}\n")
                previous = last
    return "\n".join(cues)


def split_text(text: str, limit: int = MAX_CHARACTERS) -> list[tuple[int, int]]:
    """Cut text into ranges of at most ``limit`` code points, at pauses rather than between words.

    A word that is longer than the limit is cut. Nothing but blanks lies between the ranges.
    """
    ranges: list[tuple[int, int]] = []
    at, length = 0, len(text)
    while at < length:
        if text[at].isspace():
            at += 1
            continue
        end = length if length - at <= limit else _break(text, at, at + limit)
        stop = end
        while text[stop - 1].isspace():
            stop -= 1
        ranges.append((at, stop))
        at = end
    return ranges


def _break(text: str, start: int, limit: int) -> int:
    """Return the end of the longest piece from ``start`` that ends well, at most ``limit``."""
    blanks = [place for place in range(start + 1, limit + 1) if text[place].isspace()]
    least = start + (limit - start) * LEAST_FULL
    pauses = [place for place in blanks if place >= least and text[place - 1] in PAUSES]
    return (pauses or blanks or [limit])[-1]


def _cues(text: str, segment: SegmentTiming) -> Iterator[tuple[int, int, str]]:
    """Give (start, end) in samples of the segment, and the text of each cue."""
    ranges = split_text(text)
    later = [_sample(begin, text, segment) for begin, _ in ranges[1:]]
    starts = [0, *later][: len(ranges)]
    ends = [*later, segment.samples][: len(ranges)]
    for (begin, stop), start, end in zip(ranges, starts, ends, strict=True):
        yield start, end, text[begin:stop]


def _sample(place: int, text: str, segment: SegmentTiming) -> int:
    """When the text at ``place`` is spoken: by its word mark, else in proportion."""
    after: WordMark | None = next((word for word in segment.words if word.start >= place), None)
    if after is not None:
        return min(after.sample, segment.samples)
    return segment.samples * place // len(text)


def _escaped(text: str) -> str:
    """Keep markup characters from meaning anything, and blank lines from ending the cue."""
    joined = " ".join(text.replace("\0", " ").split())
    return joined.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _stamp(ms: int) -> str:
    seconds, left = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}.{left:03d}"


def _ms(samples: int) -> int:
    return round(samples * 1000 / RATE_HZ)
