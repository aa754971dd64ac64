"""The end of a page's and a book's making, inside a worker process: files from packets.

As in ``synthesis.engine_worker``, signal processing is imported inside the functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from libs.common.contracts.formats import AudiobookFormat, PageFormat
from libs.common.contracts.speech.utterances import Utterance
from services.synth.audio.book_contents import BookChapter, PageFile
from services.synth.audio.containers.tags import Tags
from services.synth.audio.segment_queue import read_segments


@dataclass(frozen=True, kw_only=True)
class AssembledPage:
    """A page, assembled: length and loudness of the first format; timings fit all of them."""

    duration_ms: int
    loudness_lufs: float | None
    timings: bytes
    captions: bytes


@dataclass(frozen=True)
class BoundBook:
    """A book, bound; ``chapters`` is how many it has."""

    duration_ms: int
    loudness_lufs: float | None
    chapters: int


def assemble_page(
    folder: Path,
    utterances: Sequence[Utterance],
    segments: Mapping[PageFormat, Path],
    tags: Tags,
) -> AssembledPage:
    """Write ``page.<format>`` for every format into ``folder``.

    ``segments`` are files of ``segment_queue``: for each format, the segment file of every
    utterance in order. One of them is held at a time. All files have the nonce of ``tags``.
    """
    from services.synth.audio.captions import webvtt
    from services.synth.audio.page import PagePart, write_page
    from services.synth.audio.placement import build_timings

    written = {
        page_format: write_page(
            folder / f"page.{page_format}",
            (
                PagePart(file, utterance.pause_ms)
                for file, utterance in zip(read_segments(queue), utterances, strict=True)
            ),
            page_format,
            tags,
        )
        for page_format, queue in segments.items()
    }
    audio = next(iter(written.values()))
    timings = build_timings(utterances, audio.spoken, audio.offsets, audio.samples, tags.nonce)
    captions = webvtt(utterances, audio.spoken, audio.offsets, tags.nonce)
    return AssembledPage(
        duration_ms=audio.duration_ms,
        loudness_lufs=audio.loudness_lufs,
        timings=timings.encode(),
        captions=captions.encode(),
    )


def bind_book(
    path: Path,
    pages: Sequence[PageFile],
    book_format: AudiobookFormat,
    chapters: Sequence[BookChapter],
    tags: Tags,
    cover: bytes | None,
) -> BoundBook:
    """Write the book from page files."""
    from services.synth.audio.book import write_book

    book = write_book(path, pages, book_format, chapters, tags, cover=cover)
    return BoundBook(book.duration_ms, book.loudness_lufs, len(book.chapters))
