from uuid import uuid4

import pytest

from libs.common.contracts.audio import (
    AudiobookDeleted,
    AudiobookRequested,
    AudioDeleted,
    AudioRequested,
)
from libs.common.contracts.narrations import NarrationCanceled, NarrationCompleted
from libs.common.contracts.pages import page_ranges
from services.gateway.kernel.errors import AlreadyEnded, NotFound, NothingToRetry
from services.gateway.narrations.follow_ups.commands import FollowUpCommands
from services.gateway.narrations.options import NarrationOptions

BOOK = NarrationOptions(audiobook="m4b")
PAGES = 12


@pytest.fixture
def world(either_world):
    return either_world


@pytest.fixture
def follow_ups(world):
    return FollowUpCommands(world.kernel)


@pytest.fixture
async def document(world):
    document = await world.hand_in()
    await world.read(document, PAGES)
    return document


async def view_of(world, narration):
    return await world.narration_queries.narration(world.owner, narration)


async def test_what_is_stopped_is_not_made_and_what_is_there_stays(world, follow_ups, document):
    narration = await world.narrations.narrate(world.owner, document, BOOK)
    asked = await world.decided(AudioRequested)
    await world.speak(asked[0])
    before = len(await world.decided(AudioRequested))
    assert before < PAGES, "all of it was asked for at once"
    await follow_ups.cancel(world.owner, narration)
    view = await view_of(world, narration)
    assert (view.state, view.pages_ready, view.pages_failed) == ("canceled", 1, PAGES - 1)
    deleted = {event.audio_id for event in await world.decided(AudioDeleted)}
    asked = await world.decided(AudioRequested)
    assert len(asked) == before, "more is asked for after the end"
    assert deleted == {event.audio_id for event in asked[1:]}
    (canceled,) = await world.decided(NarrationCanceled)
    assert (canceled.canceled_by, canceled.missing) == (
        world.owner,
        page_ranges(range(2, PAGES + 1)),
    )
    assert not await world.decided(NarrationCompleted)
    failures = await world.narration_queries.failures(world.owner, narration, 100)
    assert {failure.code for failure in failures.items} == {"canceled"}


async def test_what_others_wait_for_goes_on(world, follow_ups, document):
    mine = await world.narrations.narrate(world.owner, document, BOOK)
    some = NarrationOptions(pages=page_ranges((1, 2)))
    other = await world.narrations.narrate(world.owner, document, some)
    await follow_ups.cancel(world.owner, mine)
    asked = {event.audio_id: event.page for event in await world.decided(AudioRequested)}
    deleted = {asked[event.audio_id] for event in await world.decided(AudioDeleted)}
    assert deleted.isdisjoint({1, 2})
    await world.speak_everything()
    assert (await view_of(world, other)).state == "ready"


async def test_to_ask_again_is_another_narration(world, follow_ups, document):
    narration = await world.narrations.narrate(world.owner, document, BOOK)
    await follow_ups.cancel(world.owner, narration)
    again = await world.narrations.narrate(world.owner, document, BOOK)
    assert again != narration
    await world.speak_everything()
    (book,) = await world.decided(AudiobookRequested)
    assert book.narration_id == again
    assert (await view_of(world, narration)).state == "canceled"


async def test_a_book_that_is_being_made_is_stopped(world, follow_ups, document):
    narration = await world.narrations.narrate(world.owner, document, BOOK)
    await world.speak_everything()
    (book,) = await world.decided(AudiobookRequested)
    await follow_ups.cancel(world.owner, narration)
    (deleted,) = await world.decided(AudiobookDeleted)
    assert deleted.audiobook_id == book.audiobook_id
    view = await view_of(world, narration)
    assert (view.state, view.audiobook.state, view.pages_ready) == ("canceled", "deleted", PAGES)
    assert len(await world.decided(AudiobookRequested)) == 1


async def test_what_has_ended_is_not_stopped(world, follow_ups, document):
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    for _ in range(2):
        with pytest.raises(AlreadyEnded):
            await follow_ups.cancel(world.owner, narration)
    with pytest.raises(NotFound):
        await follow_ups.cancel(uuid4(), narration)
    assert not await world.decided(NarrationCanceled)


async def test_failed_audio_is_tried_again(world, follow_ups, document):
    order = NarrationOptions(pages=page_ranges((3,)), audiobook="m4b", format="mp3")
    first = await world.narrations.narrate(world.owner, document, order)
    (asked,) = await world.decided(AudioRequested)
    with pytest.raises(NothingToRetry, match="being made"):
        await follow_ups.retry_audio(world.owner, asked.audio_id, uuid4())
    await world.fail(asked)
    again = await follow_ups.retry_audio(world.owner, asked.audio_id, uuid4())
    assert again != first
    _, second = await world.decided(AudioRequested)
    assert (second.page, second.formats) == (3, asked.formats)
    assert (second.engine, second.voice, second.rate) == (asked.engine, asked.voice, asked.rate)
    await world.speak(second)
    with pytest.raises(NothingToRetry, match="there"):
        await follow_ups.retry_audio(world.owner, asked.audio_id, uuid4())
    assert (await view_of(world, again)).state == "ready"
    assert len(await world.decided(AudiobookRequested)) == 1, "the first order is not mended"


async def test_audio_of_an_older_text_is_not_tried_again(world, follow_ups, document):
    await world.narrations.narrate(world.owner, document, NarrationOptions(pages=page_ranges((3,))))
    (asked,) = await world.decided(AudioRequested)
    await world.fail(asked)
    await world.documents.edit_page(world.owner, document, 3, "New", 0)
    with pytest.raises(NothingToRetry, match="edited"):
        await follow_ups.retry_audio(world.owner, asked.audio_id, uuid4())
    with pytest.raises(NotFound):
        await follow_ups.retry_audio(uuid4(), asked.audio_id, uuid4())
