"""The segment files of a page on disk, while it is spoken: as long as it may be, memory is not.

The file has no name, so the system removes it however the process ends.
"""

import os
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from services.synth.audio.codecs.codec import CodecName


class Place(NamedTuple):
    """``size`` bytes from ``start``."""

    start: int
    size: int


class SegmentSpool:
    """Keeps segment files until nobody refers to it or to what it returned. It blocks."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        self._end = 0

    def add(self, files: Mapping[CodecName, bytes]) -> "SpooledFiles":
        """Append the files of one segment."""
        places: dict[CodecName, Place] = {}
        for codec, file in files.items():
            places[codec] = Place(self._end, len(file))
            os.pwrite(self._file, file, self._end)
            self._end += len(file)
        return SpooledFiles(self, places)

    def read(self, place: Place) -> bytes:
        """Return what lies there."""
        return os.pread(self._file, place.size, place.start)


class SpooledFiles(Mapping[CodecName, bytes]):
    """The files of one segment by codec, read whenever they are asked for."""

    def __init__(self, spool: SegmentSpool, places: Mapping[CodecName, Place]) -> None:
        self._spool = spool
        self._places = places

    def __getitem__(self, codec: CodecName) -> bytes:
        """Read one of them."""
        return self._spool.read(self._places[codec])

    def __iter__(self) -> Iterator[CodecName]:
        """Give their codecs."""
        return iter(self._places)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._places)
