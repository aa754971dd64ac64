"""A whole book as one file: the packets of its pages, chapters, a cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from libs.common.contracts.formats import AudiobookFormat
from libs.common.errors import ObjectCorrupt
from services.synth.audio.book_contents import BookChapter, PageFile
from services.synth.audio.codecs.codec import CODEC_OF_FORMAT, RATE_HZ
from services.synth.audio.containers.audio_file import ChapterMark
from services.synth.audio.containers.cover import read_cover
from services.synth.audio.containers.tags import Tags
from services.synth.audio.loudness import bs1770
from services.synth.audio.muxing import count_packets, new_audio_file


@dataclass(frozen=True, kw_only=True)
class BookAudio:
    """What was written. ``has_cover``: a cover that is neither JPEG nor PNG is left out."""

    duration_ms: int
    samples: int
    loudness_lufs: float | None
    chapters: tuple[ChapterMark, ...]
    has_cover: bool


def write_book(
    path: Path,
    pages: Sequence[PageFile],
    audio_format: AudiobookFormat,
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
    codec = CODEC_OF_FORMAT[audio_format]
    gap = round(gap_ms * RATE_HZ / 1000 / codec.frame)
    counts = [count_packets(page.path, codec) for page in pages]
    starts = list(accumulate((count + gap for count in counts), initial=codec.lead))
    marks = _marks([start * codec.frame for start in starts], chapters, tags.title)
    picture = read_cover(cover) if cover else None
    with new_audio_file(path, codec, tags, chapters=marks, cover=picture, audiobook=True) as file:
        for page, count in zip(pages, counts, strict=True):
            if file.append(page.path) != count:
                raise ObjectCorrupt(page.path.name)
            file.write_silence(gap)
    return BookAudio(
        duration_ms=round(file.samples * 1000 / RATE_HZ),
        samples=file.samples,
        loudness_lufs=bs1770.combined(
            (page.loudness_lufs, count * codec.frame / RATE_HZ)
            for page, count in zip(pages, counts, strict=True)
            if page.loudness_lufs is not None
        ),
        chapters=marks,
        has_cover=picture is not None,
    )


def _marks(
    starts: Sequence[int], chapters: Sequence[BookChapter], title: str
) -> tuple[ChapterMark, ...]:
    """Place chapters; ``starts`` are the pages' first samples and, last, the end of the book.

    Every sample belongs to a chapter: what comes before the first one is named like the book.
    Chapters that begin with the same page become one, since players skip those without length.
    """
    titles: dict[int, str] = {}
    for chapter in sorted(chapters, key=lambda chapter: chapter.first):
        if 0 <= chapter.first < len(starts) - 1:
            known = titles.get(chapter.first)
            titles[chapter.first] = f"{known}: {chapter.title}" if known else chapter.title
    titles.setdefault(0, title)
    bounds = [(0 if first == 0 else starts[first], titles[first]) for first in sorted(titles)]
    bounds.append((starts[-1], ""))
    return tuple(ChapterMark(name, start, end) for (start, name), (end, _) in pairwise(bounds))
