"""Narrations of which nothing moves any more are ended, and what was lost may still come."""

import pytest
from sqlalchemy import select, update

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.narrations import NarrationCompleted, NarrationFailed
from libs.common.contracts.pages import PageRange
from libs.common.contracts.tasks import TaskFailed
from libs.common.store.tables import jobs
from services.gateway.documents.tables import documents
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world

BOOK = NarrationOptions(audiobook="m4b")


async def pass_time(world, times=1, kind=None):
    """Look at all narrations, so many times; of all that is due, do what is of a ``kind``."""
    due = update(jobs) if kind is None else update(jobs).where(jobs.c.kind == kind)
    for _ in range(times):
        async with world.database.transaction() as connection:
            await connection.execute(due.values(run_at_ms=0))
        await world.work()


async def looks(world):
    waiting = jobs.c.kind == "end_stalled_narration", jobs.c.status == "waiting"
    return len(await world.database.fetch(select(jobs.c.id).where(*waiting)))


async def test_a_document_that_nobody_reads(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await pass_time(world)
    assert await world.ends() == []
    await pass_time(world)
    (end,) = await world.ends()
    assert isinstance(end, NarrationFailed)
    assert (end.code, end.pages_total) == ("timeout", None)
    await pass_time(world, 2)
    assert (len(await world.ends()), await looks(world)) == (1, 0)


@pytest.mark.slow
async def test_a_page_that_nobody_cuts(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, BOOK)
    await world.read(document, 1)
    await world.extract(document, 2)
    await world.parse(document, 2)
    await world.speak_everything()
    await pass_time(world, 2)
    (end,) = await world.ends()
    assert isinstance(end, NarrationCompleted)
    assert (end.pages_ready, end.missing) == (1, (PageRange(first=2, last=2),))
    await world.cut(document, 2)  # it comes after all
    await world.speak_everything()
    (asked,) = await world.decided(AudiobookRequested)
    assert asked.page_count == 2
    assert len(await world.ends()) == 1


@pytest.mark.slow
async def test_a_page_that_nobody_speaks_holds_up_no_other(tmp_path):
    async with a_world(tmp_path, max_pages_in_flight_per_owner=1) as world:
        await world.take(VOICES)
        lost, other = await world.hand_in(), await world.hand_in()
        for document in (lost, other):
            await world.read(document, 1)
            await world.narrations.narrate(world.owner, document, NarrationOptions())
        assert [asked.document_id for asked in await world.decided(AudioRequested)] == [lost]
        await pass_time(world, 2)
        (end,) = await world.ends()
        assert (end.document_id, end.code) == (lost, "timeout")
        (given_up,) = await world.decided(TaskFailed)
        first, second = await world.decided(AudioRequested)
        assert given_up.about_stream == f"audio/{first.audio_id}"
        assert second.document_id == other
        view = (await world.narration_queries.narrations(world.owner, lost)).items[0]
        failures = await world.narration_queries.failures(world.owner, view.narration_id, 9)
        assert [page.code for page in failures.items] == ["timeout"]
        await world.speak(first)  # it comes after all
        view = (await world.narration_queries.narrations(world.owner, lost)).items[0]
        assert (view.state, view.pages_ready) == ("ready", 1)


@pytest.mark.slow
async def test_an_audiobook_that_nobody_makes(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, BOOK)
    await world.read(document, 1)
    await world.speak_everything()
    (asked,) = await world.decided(AudiobookRequested)
    await pass_time(world, 3)
    (end,) = await world.ends()
    assert isinstance(end, NarrationCompleted)
    assert (end.pages_ready, end.audiobook_id) == (1, None)
    view = (await world.narration_queries.narrations(world.owner, document)).items[0]
    assert (view.state, view.audiobook.failure.code) == ("partial", "timeout")
    await world.bind(asked)  # it comes after all
    view = (await world.narration_queries.narrations(world.owner, document)).items[0]
    assert (view.state, view.audiobook.state) == ("ready", "ready")


@pytest.mark.slow
async def test_one_that_moves_goes_on(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    for page in range(1, 5):
        await world.extract(document, page)
        await pass_time(world)
    assert await world.ends() == []
    assert await looks(world) == 1


@pytest.mark.slow
async def test_one_that_waits_for_others_of_its_owner_goes_on(tmp_path):
    async with a_world(tmp_path, max_pages_in_flight_per_owner=1) as world:
        await world.take(VOICES)
        first, second = await world.hand_in(), await world.hand_in()
        for document in (first, second):
            await world.read(document, 2)
            await world.narrations.narrate(world.owner, document, NarrationOptions())
        asked, *_ = await world.decided(AudioRequested)
        await pass_time(world)
        await world.speak(asked)
        await pass_time(world)
        assert await world.ends() == []


async def test_one_that_has_ended_is_looked_at_no_more(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert await looks(world) == 1
    await world.read(document, 1)
    await world.speak_everything()
    assert (len(await world.ends()), await looks(world)) == (1, 0)


async def test_one_that_was_asked_for_beside_a_deletion_ends(world):
    """As if the deletion had not seen it: nothing but a look at it tells."""
    document = await world.hand_in()
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    async with world.database.transaction() as connection:
        await connection.execute(
            update(documents)
            .where(documents.c.document_id == str(document))
            .values(deleted_at="2026-11-27T00:00:00.000000Z")
        )
    await pass_time(world)
    (end,) = await world.ends()
    assert (end.narration_id, end.code, end.pages_total) == (narration, "document_deleted", None)
