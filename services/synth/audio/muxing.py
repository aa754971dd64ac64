"""Packets into a file that plays without gaps: which container is written by what."""

from collections.abc import Sequence
from pathlib import Path

from services.synth.audio import libav_file, mp4_file
from services.synth.audio.audio_file import AudioFile, Mark
from services.synth.audio.codecs import AAC, Codec
from services.synth.audio.cover import Cover
from services.synth.audio.libav_file import LibavFile
from services.synth.audio.mp4_file import Mp4File
from services.synth.audio.tags import Tags


def audio_file(
    path: Path,
    codec: Codec,
    tags: Tags,
    *,
    chapters: Sequence[Mark] = (),
    cover: Cover | None = None,
    audiobook: bool = False,
) -> AudioFile:
    """Begin a file; ``audiobook`` has players that know the difference put it on that shelf."""
    if codec is AAC:
        return Mp4File(path, tags, chapters=chapters, cover=cover, audiobook=audiobook)
    return LibavFile(path, codec, tags, chapters=chapters, cover=cover)


def count_packets(path: Path, codec: Codec) -> int:
    """Return how many packets :meth:`AudioFile.append` will take from a file, from headers alone.

    Raises:
        ObjectCorrupt: The file is not one of ours in this codec.
    """
    if codec is AAC:
        return mp4_file.count_packets(path)
    return libav_file.count_packets(path, codec)
