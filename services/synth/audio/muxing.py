"""Packets into a file that plays without gaps: which container is written by what."""

from collections.abc import Sequence
from pathlib import Path

from services.synth.audio.codecs.codec import AAC, Codec
from services.synth.audio.containers import libav_file
from services.synth.audio.containers.audio_file import AudioFile, ChapterMark
from services.synth.audio.containers.cover import CoverImage
from services.synth.audio.containers.libav_file import LibavFile
from services.synth.audio.containers.tags import Tags
from services.synth.audio.mp4 import mp4_file
from services.synth.audio.mp4.mp4_file import Mp4File


def new_audio_file(
    path: Path,
    codec: Codec,
    tags: Tags,
    *,
    chapters: Sequence[ChapterMark] = (),
    cover: CoverImage | None = None,
    audiobook: bool = False,
) -> AudioFile:
    """Begin a file; ``audiobook`` has players that know the difference put it on that shelf."""
    if codec is AAC:
        return Mp4File(path=path, tags=tags, chapters=chapters, cover=cover, audiobook=audiobook)
    return LibavFile(path=path, codec=codec, tags=tags, chapters=chapters, cover=cover)


def count_packets(path: Path, codec: Codec) -> int:
    """Return how many packets :meth:`AudioFile.append` will take from a file, from headers alone.

    Raises:
        ObjectCorrupt: The file is not one of ours in this codec.
    """
    if codec is AAC:
        return mp4_file.count_packets(path)
    return libav_file.count_packets(path, codec)
