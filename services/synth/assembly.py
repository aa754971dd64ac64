"""The end of a page's and a book's making, inside a worker process: files from packets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from libs.common.events import BookFormat, PageFormat
from libs.common.utterances import Utterance
from services.synth.audio import segment_file
from services.synth.audio.book import BookAudio, BookChapter, BookPage, write_book
from services.synth.audio.captions import webvtt
from services.synth.audio.page import PageAudio, PagePart, write_page
from services.synth.audio.tags import Tags
from services.synth.audio.timings import Spoken, build_timings


@dataclass(frozen=True)
class Assembled:
    """A page, assembled: ``audio`` is that of the first format; timings fit all of them."""

    audio: PageAudio
    timings: bytes
    captions: bytes


def assemble_page(
    folder: Path,
    utterances: Sequence[Utterance],
    segments: Mapping[PageFormat, Sequence[bytes]],
    tags: Tags,
) -> Assembled:
    """Write ``page.<format>`` for every format into ``folder``.

    ``segments`` holds, for each format, the segment file of every utterance in order.
    """
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
    first = next(iter(segments))
    loaded = [segment_file.load(each) for each in segments[first]]
    spoken = [Spoken(each.samples, each.words) for each in loaded]
    audio = written[first]
    timings = build_timings(utterances, spoken, audio.offsets, audio.samples)
    captions = webvtt(utterances, spoken, audio.offsets)
    return Assembled(audio, timings.to_json(), captions.encode())


def bind_book(
    path: Path,
    pages: Sequence[BookPage],
    book_format: BookFormat,
    chapters: Sequence[BookChapter],
    tags: Tags,
    cover: bytes | None,
) -> BookAudio:
    """Write the book; see ``write_book``."""
    return write_book(path, pages, book_format, chapters, tags, cover=cover)
