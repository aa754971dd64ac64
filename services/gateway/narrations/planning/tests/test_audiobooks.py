"""The job that asks for an audiobook: what it is made of is stored first, and decided twice."""

import pytest

from libs.common.contracts.audio import AudiobookRequested
from libs.common.contracts.narrations import NarrationCompleted
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Permanent
from libs.common.processing.job_kind import Job
from services.gateway.narrations.jobs import NarrationJob
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.audiobooks import AudiobookRequester

BOOK = NarrationOptions(audiobook="m4b")


@pytest.fixture
async def complete(world):
    """A document whose narration lacks nothing but the book."""
    document = await world.hand_in()
    narration = await world.narrations.narrate(world.owner, document, BOOK)
    await world.read(document, 2)
    await world.speak_everything_without_jobs()
    return NarrationJob(narration_id=narration, document_id=document, owner_id=world.owner)


async def run(world, payload):
    async def record(effects):
        raise AssertionError("nothing to record")

    job = Job(id=1, payload=payload, attempt=1, record=record)
    return await AudiobookRequester(world.kernel).request(job)


async def apply(world, effects):
    async with world.kernel.transaction() as command:
        await command.apply(effects)


async def books(world, document):
    prefix = f"documents/{document}/audiobooks/"
    return [key async for key in world.storage.keys(prefix)]


@pytest.mark.slow
async def test_jobs_that_meet_ask_once(world, complete):
    first, second = await run(world, complete), await run(world, complete)
    await apply(world, first)
    await apply(world, second)
    (asked,) = await world.decided(AudiobookRequested)
    assert asked.details.key in await books(world, complete.document_id)
    assert await run(world, complete) == []


@pytest.mark.slow
async def test_what_has_changed_meanwhile_is_decided_anew(world, complete):
    effects = await run(world, complete)
    await world.parse(complete.document_id, 2, title="Another", author="Somebody")
    await apply(world, effects)
    (asked,) = await world.decided(AudiobookRequested)
    assert (await world.contents(asked)).author == "Somebody"


@pytest.mark.slow
async def test_a_deleted_document_becomes_no_book(world, complete):
    effects = await run(world, complete)
    await world.documents.delete(world.owner, complete.document_id)
    await apply(world, effects)
    assert await world.decided(AudiobookRequested) == []
    assert await run(world, complete) == []


@pytest.mark.slow
async def test_one_that_cannot_be_asked_for_ends_the_narration_and_is_not_tried_for_ever(
    world, complete, monkeypatch
):
    write = world.storage.write

    async def refuse(key, data, media_type="application/octet-stream"):
        if "/audiobooks/" in key:
            raise Permanent("the bucket refuses")
        return await write(key, data, media_type)

    monkeypatch.setattr(world.storage, "write", refuse)
    told = 0
    for _ in range(3):
        failures = await world.decided(TaskFailed)
        await world.take(*failures[told:])
        told = len(failures)
    assert told == 1
    (end,) = await world.decided(NarrationCompleted)
    assert (end.narration_id, end.pages_ready, end.audiobook_id) == (complete.narration_id, 2, None)
    view = await world.narration_queries.narration(world.owner, complete.narration_id)
    assert (view.state, view.audiobook.failure.code) == ("partial", "audiobook_failed")
