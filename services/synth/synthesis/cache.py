"""Spoken segments by what they were made from: spoken once, in any document, never again."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from libs.common.errors import ObjectCorrupt
from libs.common.storage.port import Storage
from services.synth.audio.codecs import segment_file
from services.synth.audio.codecs.codec import CODECS, CodecName

MEDIA_TYPE = "application/x-lectern-segment"


def segment_key(fingerprint: str, voice: str, rate: float, text: str) -> str:
    """Name a spoken text by what it is made from: sha256 as hex.

    The four are hashed as a JSON array, so that no two different inputs share an encoding.
    """
    inputs = json.dumps([fingerprint, voice, float(rate), text], separators=(",", ":"))
    return hashlib.sha256(inputs.encode()).hexdigest()


def packets_key(segment: str, gain_db: float, codec: CodecName) -> str:
    """Name a segment's file in one codec by what it is made from: sha256 as hex.

    Pauses are no part of it: a page puts them between segments.
    """
    parts = (segment, f"{gain_db:.1f}", CODECS[codec].settings)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class SegmentPlace(NamedTuple):
    """Where an encoded segment is: its :func:`segment_key`, the gain, the codec."""

    segment: str
    gain_db: float
    codec: CodecName

    @property
    def key(self) -> str:
        """The object's key."""
        name = packets_key(self.segment, self.gain_db, self.codec)
        return f"segments/{name[:2]}/{name}.{self.codec}"


class SegmentCache:
    """Segment files in the object storage; a damaged one counts as missing, and is made again."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def find(self, places: Sequence[SegmentPlace]) -> dict[SegmentPlace, bytes]:
        """Return those of the segment files that are there."""
        by_key = {place.key: place for place in places}
        found = await self._read(list(by_key))
        return {by_key[key]: file for key, file in found.items()}

    async def keep(self, files: Mapping[SegmentPlace, bytes]) -> None:
        """Keep segment files."""
        objects = {place.key: file for place, file in files.items()}
        await self._storage.write_some(objects, MEDIA_TYPE)

    async def lossless(self, segment: str) -> bytes | None:
        """Return a segment's lossless file, or None."""
        key = _lossless_key(segment)
        return (await self._read([key])).get(key)

    async def keep_lossless(self, segment: str, file: bytes) -> None:
        """Keep a segment's lossless file."""
        await self._storage.write(_lossless_key(segment), file, MEDIA_TYPE)

    async def _read(self, keys: Sequence[str]) -> dict[str, bytes]:
        found = await self._storage.read_some(keys)
        return await asyncio.to_thread(_undamaged, found) if found else found


def _undamaged(files: Mapping[str, bytes]) -> dict[str, bytes]:
    good = {}
    for key, file in files.items():
        try:
            segment_file.check(file, key)
        except ObjectCorrupt:
            continue
        good[key] = file
    return good


def _lossless_key(segment: str) -> str:
    return f"segments/{segment[:2]}/{segment}.flac"
