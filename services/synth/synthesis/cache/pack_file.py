"""Segment files that were made together, in one object: records, one after the other.

    offset  size  content
    0       4     b"LSP1"
    4       32    the digest of the segment file, see digests.py
    36      4     its size, little endian
    40      ...   the segment file, see segment_file.py; it holds a checksum of itself

Each record tells what it is, so whoever read only a part of a pack knows whether it is the part
that was wanted.
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs import segment_file

MAGIC = b"LSP1"
HEADER = struct.Struct("<4s32sI")


class PackedFile(NamedTuple):
    """Where a record is in its pack: ``size`` bytes from ``start``."""

    digest: bytes
    start: int
    size: int


def pack(files: Mapping[bytes, bytes]) -> tuple[bytes, list[PackedFile]]:
    """Return a pack of segment files by digest, in their order, and where each is in it."""
    records = [
        HEADER.pack(MAGIC, digest, len(file)) + bytes(file) for digest, file in files.items()
    ]
    packed, start = [], 0
    for digest, record in zip(files, records, strict=True):
        packed.append(PackedFile(digest, start, len(record)))
        start += len(record)
    return b"".join(records), packed


def unpack(record: bytes, digest: bytes) -> bytes:
    """Return the segment file of a record.

    Raises:
        ObjectCorrupt: It is damaged, cut off, of another segment, or was made by other settings.
    """
    file = record[HEADER.size :]
    if record[: HEADER.size] != HEADER.pack(MAGIC, digest, len(file)):
        raise ObjectCorrupt("segment pack")
    segment_file.check(file, "segment pack")
    return file
