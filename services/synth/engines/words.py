"""Plain text for engines, the words in it, and where they fall in the sound.

All offsets are code points. Nothing here changes the length of a text, so offsets into what is
spoken are offsets into what was asked for.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.synth.engines.port import WordMark

# Scripts whose signs are read one by one: Han and its extensions, without kana and Hangul.
_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(f"[{_IDEOGRAPH}]|[^\\s\u2013\u2014{_IDEOGRAPH}]+")
# Control characters (espeak-ng takes U+0001 for a command), halves of surrogate pairs (no UTF-8)
# and noncharacters (no XML).
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_OTHER_DIGITS = re.compile(r"[^\x00-\x7f]")
_READ_ALOUD = frozenset("%‰&@#§")  # punctuation to Unicode, words to a reader
_SILENCE_LEVEL = 32  # of 32768, about -60 dBFS
_TAIL_MS = 8
_PART = 4096


def plain(text: str) -> str:
    """Replace each character that no engine can take by one space."""
    return _UNSPEAKABLE.sub(" ", text)


def with_ascii_digits(text: str) -> str:
    """Write the digits of all scripts, circled ones too, as 0 to 9; superscripts stay."""
    return _OTHER_DIGITS.sub(_ascii_digit, text)


def _ascii_digit(match: re.Match[str]) -> str:
    digit = unicodedata.digit(match[0], None)
    is_raised = "SUPERSCRIPT" in unicodedata.name(match[0], "")
    return match[0] if digit is None or is_raised else str(digit)


def can_be_heard(text: str) -> bool:
    """Whether anything but punctuation, spaces and format characters is in ``text``."""
    return any(map(_is_audible, text))


def _is_audible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "PZC" or character in _READ_ALOUD


def find_words(text: str) -> list[tuple[int, int]]:
    """Half-open ranges of the words, ascending, without the punctuation around them.

    A Han ideograph is a word; a hyphenated compound, an address or an emoji sequence is one.
    """
    found = (_strip(text, *match.span()) for match in _TOKEN.finditer(text))
    return [(start, end) for start, end in found if start < end]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and not _is_audible(text[start]):
        start += 1
    while end > start and _is_punctuation(text[end - 1]):
        end -= 1
    return start, end


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZ" and character not in _READ_ALOUD


def place_words(
    text: str, anchors: Iterable[tuple[int, int]], samples: int
) -> tuple[WordMark, ...]:
    """Give every word of ``text`` a position in ``samples`` samples of sound.

    ``anchors`` are (offset, sample) pairs as an engine told them. Of those within a word the first
    counts; a word without one is interpolated by its offset between its neighbors.
    """
    words = find_words(text)
    known = _first_within(words, sorted(anchors, key=lambda anchor: anchor[1]))
    if not words or not known:
        return ()
    offsets, positions = _ascending(known, end=(len(text), samples))
    placed = np.interp([start for start, _ in words], offsets, positions).tolist()
    return tuple(
        WordMark(start, end, min(int(sample), max(samples - 1, 0)))
        for (start, end), sample in zip(words, placed, strict=True)
    )


def _first_within(
    words: Sequence[tuple[int, int]], anchors: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    starts = [start for start, _ in words]
    first: dict[int, int] = {}
    for offset, sample in anchors:
        index = bisect_right(starts, offset) - 1
        if index >= 0 and offset < words[index][1]:
            first.setdefault(words[index][0], sample)
    return sorted(first.items())


def _ascending(
    known: Sequence[tuple[int, int]], end: tuple[int, int]
) -> tuple[list[int], list[int]]:
    offsets, positions = [0], [0]
    for offset, sample in (*known, end):
        if offset > offsets[-1]:
            offsets.append(offset)
            positions.append(max(min(sample, end[1]), positions[-1]))
        elif offset == 0:
            positions[0] = min(sample, end[1])
    return offsets, positions


def trim_end(pcm: NDArray[np.int16], sample_rate: int) -> NDArray[np.int16]:
    """Cut the silence at the end down to 8 ms: the pauses are ours to make."""
    return pcm[: _heard_until(pcm) + sample_rate * _TAIL_MS // 1000]


def is_silent(pcm: NDArray[np.int16]) -> bool:
    """Whether nothing in ``pcm`` can be heard."""
    return _heard_until(pcm) == 0


def _heard_until(pcm: NDArray[np.int16]) -> int:
    """Return how many samples there are up to the last that can be heard.

    Looks from the end on, a part at a time: it is rarely far.
    """
    for end in range(len(pcm), 0, -_PART):
        part = pcm[max(end - _PART, 0) : end]
        # No magnitudes: the least int16 has none.
        loud = np.flatnonzero((part > _SILENCE_LEVEL) | (part < -_SILENCE_LEVEL))
        if len(loud):
            return end - len(part) + int(loud[-1]) + 1
    return 0


def silence(sample_rate: int) -> NDArray[np.int16]:
    """What a text without anything to hear sounds like: 8 ms of nothing."""
    return np.zeros(sample_rate * _TAIL_MS // 1000, dtype=np.int16)
