"""Segment files one after the other in a file, each behind its length: how a worker is given them.

Pickled into the worker all at once they took several times the memory that the page's audio has.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from libs.common.errors import ObjectCorrupt

LENGTH = struct.Struct("<I")


def write_segments(path: Path, files: Iterable[bytes]) -> None:
    """Write segment files, holding one of them at a time. It blocks."""
    with path.open("wb") as queue:
        for file in files:
            queue.write(LENGTH.pack(len(file)))
            queue.write(file)


def read_segments(path: Path) -> Iterator[bytes]:
    """Yield the segment files that were written, one at a time.

    Raises:
        ObjectCorrupt: The file was cut off.
    """
    with path.open("rb") as queue:
        while length := queue.read(LENGTH.size):
            if len(length) < LENGTH.size:
                raise ObjectCorrupt("segments")
            size = LENGTH.unpack(length)[0]
            file = queue.read(size)
            if len(file) < size:
                raise ObjectCorrupt("segments")
            yield file
