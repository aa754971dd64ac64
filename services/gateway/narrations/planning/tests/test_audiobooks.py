"""The job that asks for an audiobook: what it is made of is stored first, and decided twice."""

import pytest

from libs.common.contracts.audio import AudiobookRequested
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
