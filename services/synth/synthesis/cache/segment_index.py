"""Which segment is in which pack: rows, and the figure of how much there is.

Whoever adds or removes packs holds the one row of ``segment_cache_size`` until the commit. So a
page that is being spoken while its document is deleted either sees the tombstone, or has its rows
removed by the deletion.
"""

import secrets
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert_into
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among
from libs.common.database.engine import Database
from libs.common.database.upsert import add_once
from libs.common.store.effects import Effect, Together
from libs.common.store.tables import now_ms
from libs.common.store.tombstones import are_deleted
from services.synth.synthesis.cache.pack_file import PackedFile
from services.synth.tables import segment_cache_size, segment_packs, segments

USED_EVERY_MS = 60 * 60 * 1000
"""The last use of a pack is written at most so often, and not each time that it is read."""

INDEX_KEY_BYTES = 8
"""Of a digest; the pack has all of it, and whoever reads a segment compares it.

Of two that share them by chance, a pair among some thousand millions, only the one that was
spoken last is known.
"""

PACK_ID_BITS = 63

DIGESTS_AT_ONCE = 5000
"""Databases take some 32,000 values in a statement; a page has 50 or so."""


class SegmentPack(NamedTuple):
    """An object that holds segments of a document."""

    pack_id: int
    document_id: UUID

    @classmethod
    def new(cls, document_id: UUID) -> Self:
        """Return one that is no other."""
        return cls(secrets.randbits(PACK_ID_BITS), document_id)

    @property
    def key(self) -> str:
        """The object's key; it is below that of the document, and erased with it."""
        return f"audio/{self.document_id}/segments/{self.pack_id:016x}.pack"


class IndexedSegment(NamedTuple):
    """Where a segment file is; ``due``: its pack's last use has to be written again."""

    file: PackedFile
    pack: SegmentPack
    due: bool


async def locate(database: Database, digests: Sequence[bytes]) -> list[IndexedSegment]:
    """Return where those of the segments are that are kept."""
    asked = {_index_key(digest): digest for digest in digests}
    return [
        IndexedSegment(
            PackedFile(asked[row.digest], row.start, row.size),
            SegmentPack(row.pack_id, UUID(row.document_id)),
            row.due,
        )
        for some in _slices(list(asked))
        for row in await database.fetch(_LOCATE, {"digests": some})
    ]


async def used(connection: AsyncConnection, packs: Sequence[SegmentPack]) -> None:
    """Write that packs were used now."""
    ids = sorted(pack.pack_id for pack in packs)  # in one order, or two wait for each other
    await connection.execute(_USED, [{"used": pack_id} for pack_id in ids])


async def add_pack(
    connection: AsyncConnection, pack: SegmentPack, size: int, files: Sequence[PackedFile]
) -> int | None:
    """Add a pack of ``size`` bytes, and return how many bytes there are now.

    A segment that is known already stays where it is. None if the document was deleted: then
    nothing of it may be committed.
    """
    await connection.execute(
        insert(segment_packs).values(
            pack_id=pack.pack_id,
            document_id=str(pack.document_id),
            size=size,
            last_used_at_ms=now_ms(),
        )
    )
    writes = [
        add_once(
            segments,
            digest=_index_key(file.digest),
            pack_id=pack.pack_id,
            start=file.start,
            size=file.size,
        )
        for file in sorted(files)  # in one order, or two wait for each other
    ]
    await connection.execute(writes[0].statement, [write.row for write in writes])
    total = await _resize(connection, size)
    return None if await are_deleted(connection, str(pack.document_id)) else total


async def remove_packs(connection: AsyncConnection, pack_ids: Sequence[int]) -> int:
    """Remove what is known of packs, and return how many bytes there are then."""
    await _resize(connection, 0)
    ids = {"ids": sorted(pack_ids)}
    await connection.execute(_REMOVE_SEGMENTS, ids)
    removed = (await connection.execute(_REMOVE_PACKS, ids)).scalars().all()
    return await _resize(connection, -sum(removed))


async def remove_segments(connection: AsyncConnection, digests: Sequence[bytes]) -> None:
    """Remove what is known of segments that turned out to be damaged."""
    for some in _slices(sorted(map(_index_key, digests))):
        await connection.execute(delete(segments).where(segments.c.digest.in_(some)))


async def packs_beyond(database: Database, max_bytes: int, limit: int) -> list[SegmentPack]:
    """Return the packs to remove for ``max_bytes`` to be left, at most ``limit`` of them.

    Those that were used least recently. One query, so that what others remove meanwhile is either
    among them or no longer counted.
    """
    packs: list[SegmentPack] = []
    removed = 0
    for row in await database.fetch(_LEAST_USED, {"limit": limit}):
        if row.total - removed <= max_bytes:
            break
        packs.append(SegmentPack(row.pack_id, UUID(row.document_id)))
        removed += row.size
    return packs


def remove_document(document_id: UUID) -> Effect:
    """Return the effect that removes what is known of a document's segments, at the very end."""
    return Together(_remove_documents, str(document_id), turn="last")


async def _remove_documents(
    connection: AsyncConnection, document_ids: Sequence[str]
) -> Sequence[Effect]:
    await _resize(connection, 0)
    of_them = select(segment_packs.c.pack_id).where(
        among(segment_packs.c.document_id, document_ids)
    )
    pack_ids = (await connection.execute(of_them)).scalars().all()
    for some in _slices(pack_ids):
        await remove_packs(connection, some)
    return []


async def _resize(connection: AsyncConnection, change: int) -> int:
    """Change the figure of all bytes, and return it; its row is held until the commit."""
    return int((await connection.execute(_RESIZE, {"bytes": change})).scalar_one())


def _index_key(digest: bytes) -> int:
    """Return what a segment is found by, as databases have it: a signed number."""
    return int.from_bytes(digest[:INDEX_KEY_BYTES], "big", signed=True)


def _slices(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(values), DIGESTS_AT_ONCE):
        yield values[first : first + DIGESTS_AT_ONCE]


_LOCATE = (
    select(
        segments.c.digest,
        segments.c.start,
        segments.c.size,
        segments.c.pack_id,
        segment_packs.c.document_id,
        (segment_packs.c.last_used_at_ms < now_ms() - USED_EVERY_MS).label("due"),
    )
    .join(segment_packs, segment_packs.c.pack_id == segments.c.pack_id)
    .where(segments.c.digest.in_(bindparam("digests", expanding=True)))
)
_USED = (
    update(segment_packs)
    .where(segment_packs.c.pack_id == bindparam("used"))
    .values(last_used_at_ms=now_ms())
)
_IDS: Any = bindparam("ids", expanding=True)
_REMOVE_SEGMENTS = delete(segments).where(segments.c.pack_id.in_(_IDS))
_REMOVE_PACKS = (
    delete(segment_packs).where(segment_packs.c.pack_id.in_(_IDS)).returning(segment_packs.c.size)
)
_added = upsert_into(segment_cache_size).values(id=1, bytes=bindparam("bytes"))
_RESIZE = _added.on_conflict_do_update(
    index_elements=[segment_cache_size.c.id],
    set_={"bytes": segment_cache_size.c.bytes + _added.excluded.bytes},
).returning(segment_cache_size.c.bytes)


_LEAST_USED = (
    select(
        segment_packs.c.pack_id,
        segment_packs.c.document_id,
        segment_packs.c.size,
        select(segment_cache_size.c.bytes).scalar_subquery().label("total"),
    )
    .order_by(segment_packs.c.last_used_at_ms)
    .limit(bindparam("limit"))
)
