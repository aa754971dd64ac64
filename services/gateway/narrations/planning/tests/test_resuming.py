"""What waits for another day goes on, whatever happens meanwhile."""

import asyncio

import pytest
from sqlalchemy import select

from libs.common.contracts.audio import AudioRequested
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.tables import jobs
from services.gateway.narrations.budget.tests.days import (
    counts,
    restart,
    resume,
    waiting_jobs,
)
from services.gateway.narrations.jobs import RESUME_DISPATCH, ResumeJob
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.tests.test_stalled import pass_time
from services.gateway.settings import Settings
from services.gateway.tests.world import VOICES, World, a_world, assembled

A_DAY = 30


@pytest.fixture
async def world(tmp_path):
    async with a_world(tmp_path, max_characters_per_owner_and_day=A_DAY) as world:
        await world.take(VOICES)
        yield world


async def ordered(world, pages=3):
    document = await world.hand_in()
    await world.read(document, pages)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    return document


def looks(world):
    return world.kernel.metrics.budget_waits_total._value.get()


async def test_one_job_for_each_owner_goes_on_before_long_or_at_midnight(world, clock):
    for _ in range(3):
        await ordered(world)
    assert await waiting_jobs(world) == [f"budget/{world.owner}"]
    (job,) = await world.database.fetch(select(jobs).where(jobs.c.kind == RESUME_DISPATCH.name))
    assert 0 < job.run_at_ms - job.created_at_ms <= 600_001
    assert looks(world) == 1
    await resume(world)  # there is no room yet
    assert (len(await waiting_jobs(world)), looks(world)) == (1, 2)
    assert await world.pages_asked() == [1, 2]


@pytest.mark.slow
async def test_a_raised_budget_is_used_without_waiting_for_midnight(world, clock):
    await ordered(world, pages=4)
    restart(world, max_characters_per_owner_and_day=36)
    await resume(world)
    assert await world.pages_asked() == [1, 2, 3]
    restart(world, max_characters_per_owner_and_day=0)
    await resume(world)
    assert await world.pages_asked() == [1, 2, 3, 4]
    assert await waiting_jobs(world) == []


@pytest.mark.slow
async def test_a_document_that_is_deleted_waits_no_more_and_others_may_go(world, clock):
    first = await ordered(world)
    second = await ordered(world)
    await world.documents.delete(world.owner, first)
    clock.next_day()
    await resume(world)
    asked = [event.document_id for event in await world.decided(AudioRequested)]
    assert asked == [first, first, second, second]
    await world.documents.delete(world.owner, second)
    clock.next_day()
    await resume(world)
    assert await waiting_jobs(world) == []
    assert len(await world.pages_asked()) == 4


@pytest.mark.slow
async def test_one_that_waits_for_another_day_has_not_stalled(world, clock):
    await ordered(world)
    await world.speak_everything()
    await pass_time(world, 3)
    assert await world.ends() == []
    clock.next_day()
    await resume(world)
    await world.speak_everything()
    assert [end.pages_ready for end in await world.ends()] == [3]


@pytest.mark.slow
async def test_one_that_is_looked_at_before_the_new_day_has_begun_for_it_has_not_stalled(
    world, clock
):
    await ordered(world)
    await world.speak_everything()
    await pass_time(world, 2)
    clock.next_day()
    await pass_time(world, 2, kind="end_stalled_narration")
    assert await world.ends() == []
    await resume(world)
    await world.speak_everything()
    assert [end.pages_ready for end in await world.ends()] == [3]


@pytest.mark.slow
async def test_a_page_that_is_cut_while_others_wait_does_not_overtake_them(world, clock):
    document = await ordered(world)
    await world.extract(document, 4)
    other = await world.hand_in()
    await world.narrations.narrate(world.owner, other, NarrationOptions())
    await world.extract(other, 1)
    await world.cut(other, 1, characters=1)
    assert [event.document_id for event in await world.decided(AudioRequested)] == [document] * 2


def test_a_job_that_was_given_up_comes_again():
    payload = ResumeJob(owner_id="00000000-0000-0000-0000-000000000001")
    (again,) = RESUME_DISPATCH.gave_up(payload, GivenUp("bug"))
    assert isinstance(again, NewJob)
    assert (again.payload, again.delay_ms) == (payload, AGAIN_AFTER_MS)


@pytest.mark.slow
async def test_replicas_that_dispatch_at_once_never_exceed_the_day(
    tmp_path, postgres_database, clock
):
    async with a_world(
        tmp_path, postgres_database, max_characters_per_owner_and_day=A_DAY
    ) as world:
        common = world.assembly.parts.common
        settings = Settings(database_url=postgres_database, max_characters_per_owner_and_day=A_DAY)
        twin = World(assembled(common, settings), world.owner, world.token)
        await world.take(VOICES)
        documents = [await world.hand_in() for _ in range(6)]
        for document in documents:
            await world.extract(document, 1)
            await world.cut(document, 1)
        for day in range(1, 4):
            replicas = [world, twin] * 3
            if day == 1:
                narrate = NarrationOptions()
                await asyncio.gather(
                    *(
                        replica.narrations.narrate(world.owner, document, narrate)
                        for replica, document in zip(replicas, documents, strict=True)
                    )
                )
            else:
                clock.next_day()
                await resume(world)
            asked = await world.decided(AudioRequested)
            assert len(asked) == 2 * day
            replicas = replicas[: len(asked)]
            await asyncio.gather(
                *(replica.speak(one) for replica, one in zip(replicas, asked, strict=True))
            )
        assert sorted((await counts(world)).values()) == [24, 24, 24]
        await twin.database.close()
