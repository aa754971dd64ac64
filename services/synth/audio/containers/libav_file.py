"""MP3, and Opus in Ogg: written and read by libav, packet by packet.

Timestamps begin at minus the codec's delay, which becomes Opus's pre-skip; MP3 keeps it in its Info
frame.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import av
from av.stream import Disposition

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs.codec import MP3, OPUS, RATE_HZ, Codec
from services.synth.audio.codecs.encode import silent_packet
from services.synth.audio.containers import mp3_info
from services.synth.audio.containers.audio_file import ChapterMark
from services.synth.audio.containers.cover import CoverImage
from services.synth.audio.containers.tags import Tags

if TYPE_CHECKING:
    from av.container.core import Chapter
    from av.packet import Packet

    AnyPacket = Packet[Any]

TICK = Fraction(1, RATE_HZ)
BITEXACT = 0x400  # AVFMT_FLAG_BITEXACT
MP3_ENCODER_DELAY = 576
MUXERS = {"mp3": "mp3", "opus": "ogg"}
DECODERS = {"mp3": MP3, "mp3float": MP3, "opus": OPUS, "libopus": OPUS}


class LibavFile:
    """See :class:`services.synth.audio.containers.audio_file.AudioFile`."""

    def __init__(
        self,
        *,
        path: Path,
        codec: Codec,
        tags: Tags,
        chapters: Sequence[ChapterMark] = (),
        cover: CoverImage | None = None,
    ) -> None:
        self.codec = codec
        self.samples = 0
        self._path = path
        self._position = -codec.delay
        # libav writes the sizes of chapter frames as ID3 2.3 has them, also into a tag of 2.4.
        options = {"id3v2_version": "3"} if codec is MP3 else {}
        self._container = av.open(str(path), "w", format=MUXERS[codec.name], options=options)
        # No version, no date, no random serial number: equal books are equal bytes.
        self._container.flags |= BITEXACT
        self._stream = self._container.add_stream(
            codec.encoder,
            rate=RATE_HZ,
            layout="mono",
            options=dict(codec.options),
            bit_rate=codec.bit_rate,
            format=codec.sample_format,
        )
        self._set_tags(tags, cover)
        self._set_chapters(chapters)
        if cover is not None and codec is not OPUS:
            self._add_cover(cover)
        self.write_silence(codec.lead)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
        else:
            self._container.close()

    def write(self, packets: Iterable[bytes]) -> None:
        """Append packets."""
        for packet in packets:
            self._mux(packet, self.codec.frame)
            self.samples += self.codec.frame

    def write_silence(self, packets: int) -> None:
        """Append as many frames of silence."""
        self.write(repeat(silent_packet(self.codec.name), max(packets, 0)))

    def append(self, path: Path) -> int:
        """Append the packets of another file, its lead included, and return how many it has."""
        count = 0
        for packet in demuxed(path, self.codec):
            packet.stream = self._stream
            packet.time_base = TICK
            packet.pts = packet.dts = self._position
            packet.duration = self.codec.frame
            self._container.mux_one(packet)
            self._position += self.codec.frame
            self.samples += self.codec.frame
            count += 1
        return count

    def _finish(self) -> None:
        surplus = self.codec.flush * self.codec.frame - self.codec.delay
        for left in reversed(range(self.codec.flush)):
            self._mux(silent_packet(self.codec.name), self.codec.frame - (0 if left else surplus))
        self._container.close()
        if self.codec is MP3:
            padding = self.codec.flush * self.codec.frame - MP3_ENCODER_DELAY
            mp3_info.write_gaps(self._path, MP3_ENCODER_DELAY, padding)

    def _mux(self, data: bytes, duration: int) -> None:
        packet = av.Packet(data)
        packet.stream = self._stream
        packet.time_base = TICK
        packet.pts = packet.dts = self._position
        packet.duration = duration
        packet.is_keyframe = True
        self._container.mux_one(packet)
        self._position += self.codec.frame

    def _set_tags(self, tags: Tags, cover: CoverImage | None) -> None:
        if self.codec is OPUS:
            self._stream.metadata.update(tags.for_vorbis())
            if cover is not None:
                self._stream.metadata["METADATA_BLOCK_PICTURE"] = cover.as_flac_picture()
            return
        self._container.metadata.update(tags.for_container())
        self._container.metadata["language"] = tags.iso_639_2

    def _set_chapters(self, chapters: Sequence[ChapterMark]) -> None:
        """Name the chapters; those of Opus are comments, whose seconds libav would round up."""
        if self.codec is not OPUS:
            self._container.set_chapters(
                [_chapter(n, chapter) for n, chapter in enumerate(chapters)]
            )
            return
        for number, chapter in enumerate(chapters):
            self._stream.metadata[f"CHAPTER{number:03d}"] = _clock(chapter.start)
            self._stream.metadata[f"CHAPTER{number:03d}NAME"] = chapter.title

    def _add_cover(self, cover: CoverImage) -> None:
        stream = self._container.add_mux_stream(
            cover.codec, width=cover.width, height=cover.height, time_base=Fraction(1, 90_000)
        )
        stream.disposition = Disposition.attached_pic
        stream.metadata["comment"] = "Cover (front)"
        packet = av.Packet(cover.data)
        packet.stream = stream
        packet.pts = packet.dts = 0
        packet.is_keyframe = True
        # Before any audio: the MP3 muxer keeps all that comes earlier in memory.
        self._container.mux_one(packet)


def count_packets(path: Path, codec: Codec) -> int:
    """Return how many packets :func:`demuxed` will give, from headers alone.

    Raises:
        ObjectCorrupt: The file is not one of ours in this codec.
    """
    if codec is MP3:
        return mp3_info.read_info(path).frames - codec.flush
    with _open(path, codec) as container:
        stream = container.streams.audio[0]
        if stream.duration is None or stream.time_base is None:
            raise ObjectCorrupt(path.name)
        shown = round(stream.duration * stream.time_base / TICK) - codec.delay
        return shown // codec.frame


def demuxed(path: Path, codec: Codec) -> Iterator["AnyPacket"]:
    """Give the packets of a file, lead included, without those that only flush a decoder.

    Raises:
        ObjectCorrupt: The file cannot be read.
    """
    held: deque[AnyPacket] = deque()
    try:
        with _open(path, codec) as container:
            for packet in container.demux(container.streams.audio[0]):
                if packet.size:
                    held.append(packet)
                    if len(held) > codec.flush:
                        yield held.popleft()
    except av.error.FFmpegError as error:
        raise ObjectCorrupt(path.name) from error


def _open(path: Path, codec: Codec) -> av.container.InputContainer:
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise ObjectCorrupt(path.name) from error
    streams = container.streams.audio
    if len(streams) != 1 or DECODERS.get(streams[0].codec_context.name) is not codec:
        container.close()
        raise ObjectCorrupt(path.name)
    return container


def _chapter(number: int, mark: ChapterMark) -> "Chapter":
    return {
        "id": number,
        "start": mark.start,
        "end": mark.end,
        "time_base": TICK,
        "metadata": {"title": mark.title},
    }


def _clock(sample: int) -> str:
    """Write a position as HH:MM:SS.mmm, as Vorbis comments have the starts of chapters."""
    seconds, ms = divmod(sample * 1000 // RATE_HZ, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{ms:03d}"
