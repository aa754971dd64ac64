"""Spoken segments by what they were made from: spoken once, in any document, never again."""

from libs.common.errors import ObjectCorrupt, ObjectNotFound
from libs.common.storage import Storage
from services.synth.audio import segment_file
from services.synth.audio.codecs import CodecName
from services.synth.audio.produced import packets_key

MEDIA_TYPE = "application/x-lectern-segment"


class SegmentCache:
    """Segment files in the object storage; a damaged one counts as missing, and is made anew."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def encoded(self, segment: str, gain_db: float, codec: CodecName) -> bytes | None:
        """Return a segment's file in ``codec``, or None."""
        return await self._read(_encoded_key(segment, gain_db, codec))

    async def keep_encoded(
        self, segment: str, gain_db: float, codec: CodecName, file: bytes
    ) -> None:
        """Keep a segment's file in ``codec``."""
        await self._storage.write(_encoded_key(segment, gain_db, codec), file, MEDIA_TYPE)

    async def lossless(self, segment: str) -> bytes | None:
        """Return a segment's lossless file, or None."""
        return await self._read(_lossless_key(segment))

    async def keep_lossless(self, segment: str, file: bytes) -> None:
        """Keep a segment's lossless file."""
        await self._storage.write(_lossless_key(segment), file, MEDIA_TYPE)

    async def _read(self, key: str) -> bytes | None:
        try:
            raw = await self._storage.read(key)
            segment_file.check(raw, key)
        except (ObjectNotFound, ObjectCorrupt):
            return None
        return raw


def _encoded_key(segment: str, gain_db: float, codec: CodecName) -> str:
    key = packets_key(segment, gain_db, codec)
    return f"segments/{key[:2]}/{key}.{codec}"


def _lossless_key(segment: str) -> str:
    return f"segments/{segment[:2]}/{segment}.flac"
