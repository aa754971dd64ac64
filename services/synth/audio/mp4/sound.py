"""Where the sound of an MP4 file lies, and how long each packet is: read from its tables alone.

No packet is looked at, so the cost of a file is that of its headers. A file that does not hold what
its tables say, or not one behind the other, is refused.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from libs.common.errors import ObjectCorrupt

DESCRIBED_AT = 8


@dataclass(frozen=True, eq=False)
class Mp4Sound:
    """``lengths`` in bytes, shape (packets,), of what lies in the file from ``offset`` on."""

    lengths: NDArray[np.uint32]
    offset: int


def read_sound(path: Path, decoder_config: bytes) -> Mp4Sound:
    """Find the one track of AAC, whose AudioSpecificConfig is ``decoder_config``.

    Raises:
        ObjectCorrupt: The file is damaged, cut short, or something else.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            sound = _sound_of(_read_movie(file, size), decoder_config, size)
            if sound.offset + int(sound.lengths.sum(dtype=np.int64)) > size:
                raise ValueError("the sound is cut short")
    except (ValueError, KeyError, struct.error) as error:
        raise ObjectCorrupt(path.name) from error
    return sound


def _read_movie(file: BinaryIO, end: int) -> memoryview:
    at = 0
    while at < end:
        file.seek(at)
        header = file.read(16)
        size, kind = struct.unpack_from(">I4s", header)
        begin = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", header, 8)
            begin = 16
        if not begin <= size <= end - at:
            raise ValueError("a box is cut short")
        if kind == b"moov":
            file.seek(at + begin)
            return memoryview(file.read(size - begin))
        at += size
    raise ValueError("no movie in it")


def _sound_of(movie: memoryview, decoder_config: bytes, file_size: int) -> Mp4Sound:
    tracks = [_inside(body, b"mdia") for kind, body in _boxes(movie) if kind == b"trak"]
    (media,) = (track for track in tracks if bytes(_inside(track, b"hdlr")[8:12]) == b"soun")
    tables = dict(_boxes(_inside(_inside(media, b"minf"), b"stbl")))
    ((kind, described),) = _boxes(tables[b"stsd"][DESCRIBED_AT:])
    if kind != b"mp4a" or decoder_config not in bytes(described):
        raise ValueError("another codec")
    lengths = _lengths(tables[b"stsz"], file_size)
    begins = _chunk_offsets(tables)
    firsts = _first_packets(tables[b"stsc"], len(begins), len(lengths))
    places = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    if not np.array_equal(begins, begins[0] + places[firsts]):
        raise ValueError("the packets do not lie one behind the other")
    return Mp4Sound(lengths, int(begins[0]))


def _lengths(table: memoryview, at_most: int) -> NDArray[np.uint32]:
    size, count = struct.unpack_from(">II", table, 4)
    if size * count > at_most:
        raise ValueError("more packets than the file can hold")
    if size:
        return np.full(count, size, np.uint32)
    return np.frombuffer(table, ">u4", count, 12).astype(np.uint32)


def _chunk_offsets(tables: dict[bytes, memoryview]) -> NDArray[np.int64]:
    kind, number = (b"stco", ">u4") if b"stco" in tables else (b"co64", ">u8")
    (count,) = struct.unpack_from(">I", tables[kind], 4)
    if not count:
        raise ValueError("no sound in it")
    return np.frombuffer(tables[kind], number, count, 8).astype(np.int64)


def _first_packets(table: memoryview, chunks: int, packets: int) -> NDArray[np.int64]:
    """Return which packet each chunk begins with."""
    (count,) = struct.unpack_from(">I", table, 4)
    runs = np.frombuffer(table, ">u4", 3 * count, 8).astype(np.int64).reshape(count, 3)
    spans = np.diff(runs[:, 0], append=chunks + 1)
    if count == 0 or runs[0, 0] != 1 or spans.min() < 1:
        raise ValueError("chunks out of order")
    per_chunk = np.repeat(runs[:, 1], spans)
    bounds = np.concatenate([[0], np.cumsum(per_chunk)])
    if bounds[-1] != packets:
        raise ValueError("chunks and packets do not fit")
    return bounds[:-1]


def _inside(parent: memoryview, kind: bytes) -> memoryview:
    return dict(_boxes(parent))[kind]


def _boxes(parent: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at < len(parent):
        size, kind = struct.unpack_from(">I4s", parent, at)
        if not 8 <= size <= len(parent) - at:  # noqa: PLR2004 - the header's own length
            raise ValueError("a box is cut short")
        yield kind, parent[at + 8 : at + size]
        at += size
