"""A whole book as one file: the packets of its pages, chapters, a cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from libs.common.errors import ObjectCorrupt
from libs.common.events import BookFormat
from services.synth.audio import loudness
from services.synth.audio.audio_file import Mark
from services.synth.audio.codecs import FORMATS, RATE_HZ
from services.synth.audio.cover import read_cover
from services.synth.audio.muxing import audio_file, count_packets
from services.synth.audio.tags import Tags


@dataclass(frozen=True)
class BookPage:
    """A page file, and the loudness that was measured when it was written."""

    path: Path
    loudness_lufs: float | None = None


@dataclass(frozen=True)
class BookChapter:
    """A title, and the index of the page that it begins with, from 0."""

    title: str
    first: int


@dataclass(frozen=True)
class BookAudio:
    """What was written. ``has_cover``: a cover that is neither JPEG nor PNG is left out."""

    duration_ms: int
    samples: int
    loudness_lufs: float | None
    chapters: tuple[Mark, ...]
    has_cover: bool


def write_book(
    path: Path,
    pages: Sequence[BookPage],
    audio_format: BookFormat,
    chapters: Sequence[BookChapter],
    tags: Tags,
    *,
    cover: bytes | None = None,
    gap_ms: int = 0,
) -> BookAudio:
    """Join page files; packets are copied as they are, one page is open at a time.

    ``gap_ms`` of silence, rounded to frames, stands between pages.

    Raises:
        ObjectCorrupt: A page file is damaged, or in another codec.
    """
    codec = FORMATS[audio_format]
    gap = round(gap_ms * RATE_HZ / 1000 / codec.frame)
    counts = [count_packets(each.path, codec) for each in pages]
    starts = list(accumulate((each + gap for each in counts), initial=codec.lead))
    marks = _marks([each * codec.frame for each in starts], chapters, tags.title)
    picture = read_cover(cover) if cover else None
    with audio_file(path, codec, tags, chapters=marks, cover=picture, audiobook=True) as file:
        for page, count in zip(pages, counts, strict=True):
            if file.append(page.path) != count:
                raise ObjectCorrupt(page.path.name)
            file.write_silence(gap)
    return BookAudio(
        duration_ms=round(file.samples * 1000 / RATE_HZ),
        samples=file.samples,
        loudness_lufs=loudness.combined(
            (page.loudness_lufs, count * codec.frame / RATE_HZ)
            for page, count in zip(pages, counts, strict=True)
            if page.loudness_lufs is not None
        ),
        chapters=marks,
        has_cover=picture is not None,
    )


def _marks(starts: Sequence[int], chapters: Sequence[BookChapter], title: str) -> tuple[Mark, ...]:
    """Place chapters; ``starts`` are the pages' first samples and, last, the end of the book.

    Every sample belongs to a chapter: what comes before the first one is named like the book.
    Chapters that begin with the same page become one, since players skip those without length.
    """
    titles: dict[int, str] = {}
    for each in sorted(chapters, key=lambda each: each.first):
        if 0 <= each.first < len(starts) - 1:
            known = titles.get(each.first)
            titles[each.first] = f"{known}: {each.title}" if known else each.title
    titles.setdefault(0, title)
    bounds = [(0 if first == 0 else starts[first], titles[first]) for first in sorted(titles)]
    bounds.append((starts[-1], ""))
    return tuple(Mark(name, start, end) for (start, name), (end, _) in pairwise(bounds))
