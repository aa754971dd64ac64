from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, update

from libs.common.errors import Unavailable
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import apply
from libs.common.store.tables import jobs
from services.synth.handlers import document_deleted
from services.synth.synthesis.cache import segment_index
from services.synth.synthesis.cache.digests import SegmentPlace, lossless_place
from services.synth.synthesis.cache.segment_cache import NothingKept
from services.synth.tables import segment_cache_size, segment_packs, segments
from services.synth.tests.scripts import deletion

DOCUMENT, OTHER = UUID(int=1), UUID(int=2)
SEGMENT = "ab" * 32
AAC, FLAC = SegmentPlace(SEGMENT, 2.0, "aac"), lossless_place(SEGMENT)
B = AAC._replace(segment="cd" * 32)


@pytest.fixture
def rows(database):
    """Rows of a table."""

    async def rows(table):
        return await database.fetch(select(table))

    return rows


@pytest.fixture
def delete(database):
    """Handle the deletion of a document."""

    async def delete(document_id):
        effects = await document_deleted(deletion(document_id))
        async with database.transaction() as connection:
            await apply(connection, effects, None)

    return delete


async def test_what_is_kept_is_found_again(cache, file):
    await cache.keep(DOCUMENT, {AAC: file(b"a"), B: file(b"b"), FLAC: file(b"c", "flac")})
    assert await cache.find([AAC, B]) == {AAC: file(b"a"), B: file(b"b")}
    assert await cache.find([FLAC]) == {FLAC: file(b"c", "flac")}
    assert await cache.find([AAC._replace(gain_db=2.1), AAC._replace(codec="mp3")]) == {}
    assert await cache.find([]) == {}


async def test_what_is_kept_together_is_one_object_of_its_document(cache, storage, rows, file):
    await cache.keep(DOCUMENT, {AAC: file(b"a"), B: file(b"b")})
    await cache.keep(DOCUMENT, {})
    [key] = storage.objects
    assert key.startswith(f"audio/{DOCUMENT}/segments/")
    [pack] = await rows(segment_packs)
    [total] = await rows(segment_cache_size)
    assert pack.size == total.bytes == len(storage.objects[key])


async def test_several_packs_are_one_find(cache, file):
    await cache.keep(DOCUMENT, {AAC: file(b"a")})
    await cache.keep(OTHER, {B: file(b"b")})
    assert await cache.find([B, AAC]) == {AAC: file(b"a"), B: file(b"b")}


async def test_names_show_nothing_of_what_was_spoken(cache, storage, rows, file):
    await cache.keep(DOCUMENT, {AAC: file(b"a")})
    [row] = await rows(segments)
    assert row.digest == int.from_bytes(AAC.digest[:8], "big", signed=True)
    assert SEGMENT not in next(iter(storage.objects))
    assert AAC.digest.hex() not in next(iter(storage.objects))


async def test_of_two_that_are_found_by_the_same_the_last_one_is_kept(cache, file, monkeypatch):
    monkeypatch.setattr(segment_index, "INDEX_KEY_BYTES", 0)
    await cache.keep(DOCUMENT, {AAC: file(b"a")})
    assert await cache.find([B]) == {}
    await cache.keep(OTHER, {B: file(b"b")})
    assert await cache.find([B]) == {B: file(b"b")}
    assert await cache.find([AAC]) == {}


async def test_of_two_that_speak_the_same_the_first_is_kept(cache, rows, file):
    await cache.keep(DOCUMENT, {AAC: file(b"a")})
    await cache.keep(OTHER, {AAC: file(b"again"), B: file(b"b")})
    assert await cache.find([AAC, B]) == {AAC: file(b"a"), B: file(b"b")}
    assert len(await rows(segments)) == 2


async def test_a_lost_pack_counts_as_missing_and_is_forgotten(cache, storage, rows, file):
    await cache.keep(DOCUMENT, {AAC: file(b"a")})
    storage.objects.clear()
    assert await cache.find([AAC]) == {}
    assert await rows(segments) == await rows(segment_packs) == []
    assert [row.bytes for row in await rows(segment_cache_size)] == [0]
    await cache.keep(DOCUMENT, {AAC: file(b"new")})
    assert await cache.find([AAC]) == {AAC: file(b"new")}


@pytest.mark.parametrize("cut", [False, True])
async def test_a_damaged_segment_counts_as_missing_and_is_spoken_again(cache, storage, file, cut):
    await cache.keep(DOCUMENT, {AAC: file(b"a"), B: file(b"b")})
    [key] = storage.objects
    whole = storage.objects[key]
    storage.objects[key] = whole[:-1] if cut else whole[:-1] + bytes([whole[-1] ^ 1])
    assert await cache.find([AAC, B]) == {AAC: file(b"a")}
    await cache.keep(DOCUMENT, {B: file(b"new")})
    assert await cache.find([AAC, B]) == {AAC: file(b"a"), B: file(b"new")}


async def test_the_last_use_is_written_once_an_hour(cache, database, rows, file):
    await cache.keep(DOCUMENT, {AAC: file(b"a")})

    async def used_after(milliseconds):
        moment = segment_packs.c.last_used_at_ms - milliseconds
        async with database.transaction() as connection:
            await connection.execute(update(segment_packs).values(last_used_at_ms=moment))
        [before] = await rows(segment_packs)
        assert await cache.find([AAC])
        [after] = await rows(segment_packs)
        return after.last_used_at_ms > before.last_used_at_ms

    assert not await used_after(30 * 60 * 1000)
    assert await used_after(31 * 60 * 1000)
    assert not await used_after(0)


async def test_a_storage_that_fails_is_told(cache, file):
    class Away(MemoryStorage):
        async def stream(self, key, start=0, end=None):
            raise Unavailable("it is away")
            yield b""

    await cache.keep(DOCUMENT, {AAC: file(b"a")})
    with pytest.raises(Unavailable):
        await replace(cache, storage=Away()).find([AAC])
    assert await cache.find([AAC]) == {AAC: file(b"a")}


async def test_what_cannot_be_indexed_leaves_no_object(cache, storage, file):
    class Away:
        def transaction(self):
            raise Unavailable("it is away")

    with pytest.raises(Unavailable):
        await replace(cache, database=Away()).keep(DOCUMENT, {AAC: file(b"a")})
    assert storage.objects == {}


async def test_a_deletion_takes_the_rows_of_its_document(cache, rows, delete, file):
    await cache.keep(DOCUMENT, {AAC: file(b"a")})
    await cache.keep(OTHER, {B: file(b"b")})
    await delete(DOCUMENT)
    assert await cache.find([AAC, B]) == {B: file(b"b")}
    [pack] = await rows(segment_packs)
    assert [row.bytes for row in await rows(segment_cache_size)] == [pack.size]
    assert len(await rows(segments)) == 1


async def test_a_page_of_a_deleted_document_keeps_nothing(cache, storage, rows, delete, file):
    await delete(DOCUMENT)
    await cache.keep(DOCUMENT, {AAC: file(b"a")})
    assert storage.objects == {}
    assert await rows(segments) == await rows(segment_packs) == []


async def test_a_pack_beyond_the_limit_asks_once_for_room(cache, rows, file):
    small = replace(cache, max_bytes=1)
    await small.keep(DOCUMENT, {AAC: file(b"a")})
    await small.keep(DOCUMENT, {B: file(b"b")})
    assert [job.kind for job in await rows(jobs)] == ["evict"]


async def test_where_nothing_is_kept_nothing_is_found(file):
    nothing = NothingKept()
    await nothing.keep(DOCUMENT, {AAC: file()})
    assert await nothing.find([AAC]) == {}
