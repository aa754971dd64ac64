import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, update

from libs.common.processing.job_kind import Job
from libs.common.store.effects import apply
from libs.common.store.jobs.claiming import SlotRequest, claim
from libs.common.store.tables import jobs
from services.synth.jobs import EvictJob
from services.synth.synthesis.cache import eviction, segment_index
from services.synth.synthesis.cache.digests import SegmentPlace
from services.synth.synthesis.cache.eviction import SUBJECT, Evictor
from services.synth.synthesis.cache.tests.totals import total_bytes
from services.synth.tables import segment_packs

PLACES = [SegmentPlace(f"{number:064}", 0.0, "aac") for number in range(10)]
DOCUMENT = UUID(int=1)


@pytest.fixture
async def full(cache, file):
    """A cache of ten packs of one size."""
    for place in PLACES:
        await cache.keep(DOCUMENT, {place: file(b"x" * 900)})
    return cache


async def pack_size(full):
    return await total_bytes(full.database) // len(PLACES)


async def nothing(effects):
    """Nothing is recorded on the way."""
    assert effects == []


JOB = Job(id=1, payload=EvictJob(), attempt=1, record=nothing)


async def evict(cache, max_bytes):
    evictor = Evictor(cache.database, cache.storage, max_bytes)
    effects = await evictor.evict(JOB)
    async with cache.database.transaction() as connection:
        await apply(connection, effects, None)


async def make_older(database, place, milliseconds):
    [found] = await segment_index.locate(database, [place.digest])
    async with database.transaction() as connection:
        await connection.execute(
            update(segment_packs)
            .where(segment_packs.c.pack_id == found.pack.pack_id)
            .values(last_used_at_ms=segment_packs.c.last_used_at_ms - milliseconds)
        )


async def test_what_was_used_least_recently_goes(full, storage):
    order = [3, 7, 0, 9, 1, 8, 2, 6, 4, 5]  # used last to first
    for age, number in enumerate(order):
        await make_older(full.database, PLACES[number], 100_000 * age)
    size = await pack_size(full)
    await evict(full, 8 * size)
    left = await full.find(PLACES)
    assert set(left) == {PLACES[number] for number in order[:7]}  # 0.95 of 8 is 7 whole ones
    assert len(storage.objects) == 7
    assert await total_bytes(full.database) == 7 * size


async def test_within_the_limit_nothing_goes(full, storage):
    await evict(full, 11 * await pack_size(full))
    assert len(storage.objects) == 10


async def test_a_job_does_so_much_and_leaves_the_rest_to_another(full, storage, monkeypatch):
    monkeypatch.setattr(eviction, "PACKS_AT_ONCE", 3)
    limit = 4 * await pack_size(full)
    await evict(full, limit)
    assert len(storage.objects) == 7
    [job] = await full.database.fetch(select(jobs))
    assert (job.kind, job.subject) == ("evict", SUBJECT)
    await evict(full, limit)
    await evict(full, limit)
    assert len(storage.objects) == 3
    assert len(await full.database.fetch(select(jobs))) == 1


async def test_two_that_evict_at_once_count_nothing_twice(full, storage):
    size = await pack_size(full)
    await asyncio.gather(evict(full, 5 * size), evict(full, 5 * size))
    assert len(storage.objects) == 4
    assert await total_bytes(full.database) == 4 * size


async def test_one_that_is_running_does_not_keep_another_from_being_recorded(cache, file):
    small = replace(cache, max_bytes=1)
    await small.keep(DOCUMENT, {PLACES[0]: file(b"a")})
    async with cache.database.transaction() as connection:
        room = SlotRequest(kind="evict", free=1, share=1, most=1)
        assert len(await claim(connection, room, 60_000)) == 1
    await small.keep(DOCUMENT, {PLACES[1]: file(b"b")})
    await small.keep(DOCUMENT, {PLACES[2]: file(b"c")})
    assert [job.status for job in await cache.database.fetch(select(jobs).order_by(jobs.c.id))] == [
        "running",
        "ready",
    ]
