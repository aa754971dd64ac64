"""Finds and keeps spoken segments: packs in the object storage, an index in the database.

A pack that is lost and a segment that is damaged count as missing: what is known of them is
removed, and the sentence is spoken again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from libs.common.database.engine import Database
from libs.common.errors import ObjectCorrupt, ObjectNotFound
from libs.common.storage.port import Storage
from libs.common.store.effects import apply
from services.synth.synthesis.cache import segment_index
from services.synth.synthesis.cache.digests import SegmentPlace
from services.synth.synthesis.cache.eviction import evict_beyond
from services.synth.synthesis.cache.pack_file import PackedFile, pack, unpack
from services.synth.synthesis.cache.segment_index import IndexedSegment, SegmentPack

MEDIA_TYPE = "application/x-lectern-segments"

Found = dict[bytes, bytes | None]
"""Segment files by digest; None for what was known and is not there, or is damaged."""


class SegmentCache(Protocol):
    """Where the segments of pages are kept."""

    async def find(self, places: Sequence[SegmentPlace]) -> dict[SegmentPlace, bytes]:
        """Return those of the segment files that are there."""
        ...

    async def keep(self, document_id: UUID, files: Mapping[SegmentPlace, bytes]) -> None:
        """Keep segment files that were made for a document, in the order in which they come."""
        ...


class NothingKept:
    """For engines that speak again for less than it costs to keep what they spoke."""

    async def find(self, places: Sequence[SegmentPlace]) -> dict[SegmentPlace, bytes]:
        """See :class:`SegmentCache`."""
        return {}

    async def keep(self, document_id: UUID, files: Mapping[SegmentPlace, bytes]) -> None:
        """See :class:`SegmentCache`."""


class DocumentIsDeleted(Exception):
    """What was spoken of a document is refused: it was deleted meanwhile."""


@dataclass(frozen=True)
class PackedSegments:
    """See :class:`SegmentCache`. Beyond ``max_bytes`` what was used least recently is removed."""

    database: Database
    storage: Storage
    max_bytes: int

    async def find(self, places: Sequence[SegmentPlace]) -> dict[SegmentPlace, bytes]:
        """See :class:`SegmentCache`; by one query, and one read of each pack."""
        wanted = {place.digest: place for place in places}
        by_pack = defaultdict[SegmentPack, list[IndexedSegment]](list)
        for segment in await segment_index.locate(self.database, list(wanted)):
            by_pack[segment.pack].append(segment)
        reads = (self._read(pack, inside) for pack, inside in by_pack.items())
        found: Found = {}
        for outcome in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
            found |= outcome
        return {wanted[digest]: file for digest, file in found.items() if file is not None}

    async def keep(self, document_id: UUID, files: Mapping[SegmentPlace, bytes]) -> None:
        """See :class:`SegmentCache`; as one object. A document that was deleted keeps nothing."""
        if not files:
            return
        made = SegmentPack.new(document_id)
        data, packed = await asyncio.to_thread(
            pack, {place.digest: file for place, file in files.items()}
        )
        await self.storage.write(made.key, data, MEDIA_TYPE)
        try:
            await self._add(made, len(data), packed)
        except Exception as error:  # an object that is in no index would stay with its document
            await self.storage.delete(made.key)
            if not isinstance(error, DocumentIsDeleted):
                raise

    async def _add(self, made: SegmentPack, size: int, files: Sequence[PackedFile]) -> None:
        async with self.database.transaction() as connection:
            total = await segment_index.add_pack(connection, made, size, files)
            if total is None:
                raise DocumentIsDeleted
            await apply(connection, await evict_beyond(connection, total, self.max_bytes), None)

    async def _read(self, pack: SegmentPack, inside: Sequence[IndexedSegment]) -> Found:
        """Read segments of one pack, and set the index right."""
        files = [segment.file for segment in inside]
        start = min(file.start for file in files)
        end = max(file.start + file.size for file in files)
        try:
            blocks = [block async for block in self.storage.stream(pack.key, start, end)]
        except ObjectNotFound:
            async with self.database.transaction() as connection:
                await segment_index.remove_packs(connection, [pack.pack_id])
            return {}
        found = await asyncio.to_thread(_unpacked, b"".join(blocks), start, files)
        damaged = [digest for digest, file in found.items() if file is None]
        if damaged or inside[0].due:
            async with self.database.transaction() as connection:
                await segment_index.remove_segments(connection, damaged)
                await segment_index.used(connection, [pack])
        return found


def _unpacked(part: bytes, first: int, files: Sequence[PackedFile]) -> Found:
    """Return the segment files of a part of a pack, which begins at ``first``."""
    found: Found = {}
    for file in files:
        start = file.start - first
        try:
            found[file.digest] = unpack(part[start : start + file.size], file.digest)
        except ObjectCorrupt:
            found[file.digest] = None
    return found
