"""The end of a page's and a book's making, inside a worker process: files from packets.

As in ``studio``, signal processing is imported inside the functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from libs.common.events import BookFormat, PageFormat
from libs.common.utterances import Utterance
from services.synth.audio.tags import Tags


@dataclass(frozen=True)
class Assembled:
    """A page, assembled: length and loudness of the first format; timings fit all of them."""

    duration_ms: int
    loudness_lufs: float | None
    timings: bytes
    captions: bytes


@dataclass(frozen=True)
class Bound:
    """A book, bound; ``chapters`` is how many it has."""

    duration_ms: int
    loudness_lufs: float | None
    chapters: int


def assemble_page(
    folder: Path,
    utterances: Sequence[Utterance],
    segments: Mapping[PageFormat, Sequence[bytes]],
    tags: Tags,
) -> Assembled:
    """Write ``page.<format>`` for every format into ``folder``.

    ``segments`` holds, for each format, the segment file of every utterance in order.
    """
    from services.synth.audio.captions import webvtt
    from services.synth.audio.page import PagePart, write_page
    from services.synth.audio.timings import build_timings

    written = {
        each: write_page(
            folder / f"page.{each}",
            [
                PagePart(file, utterance.pause_ms)
                for file, utterance in zip(files, utterances, strict=True)
            ],
            each,
            tags,
        )
        for each, files in segments.items()
    }
    audio = next(iter(written.values()))
    timings = build_timings(utterances, audio.spoken, audio.offsets, audio.samples)
    captions = webvtt(utterances, audio.spoken, audio.offsets)
    return Assembled(audio.duration_ms, audio.loudness_lufs, timings.to_json(), captions.encode())


def bind_book(
    path: Path,
    pages: Sequence[tuple[Path, float | None]],
    book_format: BookFormat,
    chapters: Sequence[tuple[str, int]],
    tags: Tags,
    cover: bytes | None,
) -> Bound:
    """Write the book from page files with their loudness.

    ``chapters`` are titles and the index of the page that each begins with, from 0.
    """
    from services.synth.audio.book import BookChapter, BookPage, write_book

    book = write_book(
        path,
        [BookPage(*each) for each in pages],
        book_format,
        [BookChapter(*each) for each in chapters],
        tags,
        cover=cover,
    )
    return Bound(book.duration_ms, book.loudness_lufs, len(book.chapters))
