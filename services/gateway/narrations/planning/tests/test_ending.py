"""How narrations end: once each, with what is missing."""

import pytest

from libs.common.contracts.audio import AudiobookFailed, AudiobookRequested, AudioRequested
from libs.common.contracts.narrations import NarrationCompleted, NarrationFailed
from libs.common.contracts.pages import PageRange
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import of_audiobook

BOOK = NarrationOptions(audiobook="m4b")


async def test_all_pages_ready(world):
    document = await world.hand_in()
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.read(document, 2)
    assert await world.ends() == []
    await world.speak_everything()
    (end,) = await world.ends()
    assert isinstance(end, NarrationCompleted)
    assert (end.narration_id, end.document_id) == (narration, document)
    assert (end.owner_id, end.requested_by) == (world.owner, world.owner)
    assert (end.pages_total, end.pages_ready, end.pages_missing) == (2, 2, 0)
    assert (end.missing, end.duration_ms, end.audiobook_id) == ((), 3000, None)
    await world.parse(document, 2)
    assert len(await world.ends()) == 1


@pytest.mark.slow
async def test_the_audiobook_is_waited_for(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, BOOK)
    await world.read(document, 1)
    await world.speak_everything()
    (asked,) = await world.decided(AudiobookRequested)
    assert await world.ends() == []
    await world.bind(asked)
    (end,) = await world.ends()
    assert (end.pages_ready, end.audiobook_id) == (1, asked.audiobook_id)


@pytest.mark.slow
async def test_an_audiobook_that_cannot_be_made_is_missing(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, BOOK)
    await world.read(document, 1)
    await world.speak_everything()
    (asked,) = await world.decided(AudiobookRequested)
    await world.take(AudiobookFailed(**of_audiobook(asked), code="broke", details=None))
    (end,) = await world.ends()
    assert isinstance(end, NarrationCompleted)
    assert (end.pages_ready, end.audiobook_id) == (1, None)


@pytest.mark.slow
async def test_a_page_that_failed_is_missing(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, BOOK)
    await world.read(document, 3)
    first, second, third = await world.decided(AudioRequested)
    await world.speak(first)
    await world.fail(second)
    await world.speak(third)
    (end,) = await world.ends()
    assert isinstance(end, NarrationCompleted)
    assert (end.pages_ready, end.pages_missing) == (2, 1)
    assert end.missing == (PageRange(first=2, last=2),)
    assert b"broke" not in end.encode()


async def test_nothing_ready_is_a_failure(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.read(document, 1)
    (asked,) = await world.decided(AudioRequested)
    await world.fail(asked)
    (end,) = await world.ends()
    assert isinstance(end, NarrationFailed)
    assert (end.code, end.pages_total, end.pages_missing) == ("pages_failed", 1, 1)


async def test_a_document_that_cannot_be_read_ends_it_with_its_code(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.reject(document, "encrypted")
    (end,) = await world.ends()
    assert isinstance(end, NarrationFailed)
    assert (end.code, end.pages_total) == ("encrypted", None)


async def test_silent_pages_are_no_failure_of_others(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.extract(document, 1)
    await world.cut(document, 1, utterances=0, characters=0)
    await world.extract(document, 2)
    await world.cut(document, 2)
    await world.parse(document, 2)
    await world.speak_everything()
    (end,) = await world.ends()
    assert isinstance(end, NarrationCompleted)
    assert (end.pages_ready, end.pages_silent, end.pages_missing) == (1, 1, 0)


async def test_nothing_to_speak_is_told(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.extract(document, 1)
    await world.cut(document, 1, utterances=0, characters=0)
    await world.parse(document, 1)
    (end,) = await world.ends()
    assert (type(end), end.code) == (NarrationFailed, "nothing_to_speak")


async def test_whoever_waits_for_a_deleted_document_is_told(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.documents.delete(world.owner, document)
    (end,) = await world.ends()
    assert (type(end), end.code) == (NarrationFailed, "document_deleted")
