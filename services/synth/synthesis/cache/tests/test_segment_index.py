import asyncio
from uuid import UUID

import pytest
from sqlalchemy import func, select

from libs.common.store.effects import apply
from services.synth.handlers import document_deleted
from services.synth.synthesis.cache import segment_index
from services.synth.synthesis.cache.pack_file import PackedFile
from services.synth.synthesis.cache.segment_index import DIGESTS_AT_ONCE, SegmentPack
from services.synth.synthesis.cache.tests.totals import total_bytes
from services.synth.tables import segment_packs, segments
from services.synth.tests.scripts import deletion

DOCUMENT = UUID(int=1)


def digest(number):
    return number.to_bytes(8) + bytes(24)


def files(*numbers):
    return [PackedFile(digest(number), 10 * at, 10) for at, number in enumerate(numbers)]


async def added(database, *numbers, document_id=DOCUMENT):
    pack = SegmentPack.new(document_id)
    async with database.transaction() as connection:
        await segment_index.add_pack(connection, pack, 10 * len(numbers), files(*numbers))
    return pack


@pytest.mark.slow
async def test_segments_are_located_however_many(database):
    pack = await added(database, *range(DIGESTS_AT_ONCE + 1))
    found = await segment_index.locate(
        database, [digest(number) for number in range(2 * DIGESTS_AT_ONCE)]
    )
    assert len(found) == DIGESTS_AT_ONCE + 1
    assert {segment.pack for segment in found} == {pack}
    assert sorted(segment.file for segment in found) == files(*range(DIGESTS_AT_ONCE + 1))


async def test_the_total_follows_packs_that_come_and_go(database):
    assert await total_bytes(database) == 0
    first = await added(database, 1, 2)
    second = await added(database, 3)
    assert await total_bytes(database) == 30
    for pack in (first, first, second):  # two may remove the same one
        async with database.transaction() as connection:
            left = await segment_index.remove_packs(connection, [pack.pack_id])
        assert await total_bytes(database) == left
    assert left == 0


async def test_packs_that_come_at_once_all_count(database):
    await asyncio.gather(*(added(database, 2 * n, 2 * n + 1, 1000) for n in range(8)))
    assert await total_bytes(database) == 8 * 30


async def test_the_least_used_come_first(database):
    packs = [await added(database, number) for number in range(4)]
    await asyncio.sleep(0.01)
    async with database.transaction() as connection:
        await segment_index.used(connection, [packs[0]])
    oldest = await segment_index.packs_beyond(database, 0, 10)
    assert set(oldest) == set(packs)
    assert oldest[-1] == packs[0]
    assert await segment_index.packs_beyond(database, 0, 2) == oldest[:2]
    assert await segment_index.packs_beyond(database, 11, 10) == oldest[:3]
    assert await segment_index.packs_beyond(database, 40, 10) == []


@pytest.mark.slow
async def test_a_document_deleted_while_a_page_of_it_is_kept_leaves_no_row(database):
    """Whoever comes second sees what the first did, in any order and at any moment."""

    async def delete(document, after_s):
        await asyncio.sleep(after_s)
        effects = await document_deleted(deletion(document))
        async with database.transaction() as connection:
            await apply(connection, effects, None)

    async def keep(document):
        for first in range(0, 40, 10):
            pack = SegmentPack.new(document)
            of_it = files(*range(first, first + 10))
            async with database.transaction() as connection:
                if await segment_index.add_pack(connection, pack, 100, of_it) is None:
                    await connection.rollback()
                    return

    for number in range(20):
        document = UUID(int=100 + number)
        await asyncio.gather(keep(document), delete(document, 0.0003 * (number % 7)))
    for table in (segment_packs, segments):
        [[count]] = await database.fetch(select(func.count()).select_from(table))
        assert count == 0
    assert await total_bytes(database) == 0
