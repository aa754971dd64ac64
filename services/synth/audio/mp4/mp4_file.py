"""AAC in MP4: a page as M4A, a book as M4B.

Tables come before the sound, so a player can begin while it loads. They are all that is computed:
sound is taken over in one piece from segments and pages, however many packets it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs.codec import AAC, RATE_HZ
from services.synth.audio.codecs.encode import open_encoder, silent_packet
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.containers.audio_file import ChapterMark
from services.synth.audio.containers.cover import CoverImage
from services.synth.audio.containers.tags import Tags
from services.synth.audio.mp4 import boxes
from services.synth.audio.mp4.sound import Mp4Sound, read_sound

SOUND, CHAPTERS = 1, 2
PACKETS_PER_CHUNK = 24
"""A second: players ask for as much at a time."""
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class _Extent:
    """A part of another file."""

    path: Path
    offset: int
    size: int


class Mp4File:
    """An ``AudioFile`` of which nothing is written before the end."""

    def __init__(
        self,
        *,
        path: Path,
        tags: Tags,
        chapters: Sequence[ChapterMark] = (),
        cover: CoverImage | None = None,
        audiobook: bool = False,
    ) -> None:
        self.codec = AAC
        self.samples = 0
        self._path = path
        self._tags = tags
        self._chapters = chapters
        self._cover = cover
        self._audiobook = audiobook
        self._lengths: list[NDArray[np.uint32]] = []
        self._pieces: list[_Extent] = []
        self._given_path = path.with_name(f".{path.name}.sound")
        self._given: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._given = self._given_path.open("wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._close_given()
            self._given_path.unlink(missing_ok=True)

    def write(self, packets: Packets) -> None:
        """Append packets."""
        self._write(packets.lengths, packets.data)

    def write_silence(self, packets: int) -> None:
        """Append as many frames of silence."""
        if packets > 0:
            silence = silent_packet(AAC.name)
            self._write(np.full(packets, len(silence), np.uint32), silence * packets)

    def append(self, path: Path) -> int:
        """Append the sound of another file, and return how many packets it has."""
        sound = _sound(path)
        size = int(sound.lengths.sum(dtype=np.int64))
        self._append(sound.lengths, _Extent(path, sound.offset, size))
        return len(sound.lengths)

    def _write(self, lengths: NDArray[np.uint32], sound: bytes | memoryview) -> None:
        """Put sound aside: its place in the file is known when all of it is there."""
        if self._given is None:
            raise ValueError("the file is not open")
        start = self._given.tell()
        self._given.write(sound)
        self._append(lengths, _Extent(self._given_path, start, len(sound)))

    def _append(self, lengths: NDArray[np.uint32], sound: _Extent) -> None:
        # A copy: what is given lies in a segment file, which would be kept in memory for it.
        self._lengths.append(lengths.astype(np.uint32))
        last = self._pieces[-1] if self._pieces else None
        if last and (last.path, last.offset + last.size) == (sound.path, sound.offset):
            self._pieces[-1] = _Extent(last.path, last.offset, last.size + sound.size)
        else:
            self._pieces.append(sound)
        self.samples += len(lengths) * AAC.frame

    def _finish(self) -> None:
        shown = self.samples
        self.write_silence(AAC.flush)
        self._close_given()
        head = movie_head(
            np.concatenate(self._lengths),
            shown,
            self._tags,
            chapters=self._chapters,
            cover=self._cover,
            audiobook=self._audiobook,
        )
        self.samples = shown
        with self._path.open("wb") as file:
            file.write(head)
            for piece in self._pieces:
                _copy(piece, file)

    def _close_given(self) -> None:
        if self._given is not None:
            self._given.close()
            self._given = None


def count_packets(path: Path) -> int:
    """Return how many packets :meth:`Mp4File.append` will take from a file.

    Raises:
        ObjectCorrupt: The file is not one of ours.
    """
    return len(_sound(path).lengths)


def movie_head(
    lengths: NDArray[np.uint32],
    shown: int,
    tags: Tags,
    *,
    chapters: Sequence[ChapterMark] = (),
    cover: CoverImage | None = None,
    audiobook: bool = False,
) -> bytes:
    """Return all of a file that comes before its sound.

    ``lengths`` in bytes, shape (packets,), of all packets; ``shown`` is how many samples a player
    shows of them, behind the codec's delay.
    """
    titles = b"".join(boxes.chapter_text(chapter.title) for chapter in chapters)
    sound_size = int(lengths.sum(dtype=np.int64))
    data_header = boxes.data_header(len(titles) + sound_size)
    kind = boxes.file_type(b"M4B " if audiobook else b"M4A ")
    user_data = boxes.box(
        b"udta",
        boxes.tag_list(tags, cover, audiobook=audiobook),
        boxes.nero_chapters(chapters) if chapters else b"",
    )

    def movie(begin: int, *, wide: bool) -> bytes:
        """Return ``moov``, whose length does not depend on where the data begins."""
        return boxes.box(
            b"moov",
            boxes.movie_header(shown, CHAPTERS + 1),
            _sound_track(lengths, shown, begin + len(titles), tags, bool(chapters), wide=wide),
            _chapter_track(chapters, shown, begin, tags, wide=wide) if chapters else b"",
            user_data,
        )

    around = len(kind) + len(data_header)
    tables = len(movie(0, wide=True))
    wide = around + tables + len(titles) + sound_size > boxes.LARGEST_32
    begin = around + (tables if wide else len(movie(0, wide=False)))
    return kind + movie(begin, wide=wide) + data_header + titles


def _sound_track(
    lengths: NDArray[np.uint32], shown: int, begin: int, tags: Tags, chapters: bool, *, wide: bool
) -> bytes:
    count = len(lengths)
    places = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    average = int(places[-1]) * 8 * RATE_HZ // (count * AAC.frame)
    table = boxes.box(
        b"stbl",
        boxes.aac_description(decoder_config(), AAC.bit_rate, average),
        boxes.durations([(count, AAC.frame)]),
        boxes.chunks(count, PACKETS_PER_CHUNK),
        boxes.sizes(lengths),
        boxes.offsets(begin + places[:-1:PACKETS_PER_CHUNK], wide=wide),
        boxes.roll(count),
    )
    media = boxes.box(
        b"mdia",
        boxes.media_header(count * AAC.frame, tags.iso_639_2),
        boxes.handler(b"soun", b"Sound"),
        boxes.box(
            b"minf", boxes.full_box(b"smhd", 0, 0, bytes(4)), boxes.data_in_this_file(), table
        ),
    )
    flags = boxes.ENABLED | boxes.IN_MOVIE
    return boxes.box(
        b"trak",
        boxes.track_header(SOUND, shown, flags=flags, audible=True),
        boxes.edit_list(shown, AAC.delay),
        boxes.box(b"tref", boxes.box(b"chap", CHAPTERS.to_bytes(4, "big"))) if chapters else b"",
        media,
    )


def _chapter_track(
    chapters: Sequence[ChapterMark], shown: int, begin: int, tags: Tags, *, wide: bool
) -> bytes:
    sizes = [len(boxes.chapter_text(chapter.title)) for chapter in chapters]
    table = boxes.box(
        b"stbl",
        boxes.text_description(),
        boxes.durations([(1, chapter.end - chapter.start) for chapter in chapters]),
        boxes.chunks(len(chapters), len(chapters)),
        boxes.sizes(np.array(sizes, np.uint32)),
        boxes.offsets(np.array([begin]), wide=wide),
    )
    media = boxes.box(
        b"mdia",
        boxes.media_header(chapters[-1].end, tags.iso_639_2),
        boxes.handler(b"text", b"Chapters"),
        boxes.box(b"minf", boxes.text_header(), boxes.data_in_this_file(), table),
    )
    return boxes.box(
        b"trak",
        boxes.track_header(CHAPTERS, shown, flags=boxes.IN_MOVIE, audible=False),
        boxes.edit_list(shown, 0),
        media,
    )


@lru_cache(maxsize=1)
def decoder_config() -> bytes:
    """Return the AudioSpecificConfig of our encoder (ISO/IEC 14496-3, 1.6.2.1)."""
    return bytes(open_encoder(AAC).extradata or b"")


def _sound(path: Path) -> Mp4Sound:
    """Return the sound of a page without the packets that only flush a decoder."""
    whole = read_sound(path, decoder_config())
    return Mp4Sound(whole.lengths[: len(whole.lengths) - AAC.flush], whole.offset)


def _copy(piece: _Extent, to: BinaryIO) -> None:
    left = piece.size
    with piece.path.open("rb", buffering=0) as file:
        file.seek(piece.offset)
        while left:
            block = file.read(min(left, BLOCK_BYTES))
            if not block:
                raise ObjectCorrupt(piece.path.name)
            to.write(block)
            left -= len(block)
