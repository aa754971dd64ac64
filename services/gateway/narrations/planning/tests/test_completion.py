from itertools import permutations
from uuid import uuid4

import pytest

from libs.common.contracts.audio import (
    AudiobookRequested,
    AudioProgressed,
    AudioRequested,
)
from libs.common.contracts.base import Event
from libs.common.contracts.details import Chapter
from libs.common.contracts.pages import page_ranges
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world, reference

BOOK = NarrationOptions(audiobook="m4b")


@pytest.mark.slow
async def test_a_complete_narration_requests_exactly_one_audiobook(world):
    document = await world.hand_in()
    narration = await world.narrations.narrate(world.owner, document, BOOK)
    chapters = (Chapter(title="One", first_page=1, level=1),)
    await world.extract(document, 1)
    await world.cut(document, 1)
    await world.extract(document, 2)
    await world.cut(document, 2, utterances=0, characters=0)
    await world.extract(document, 3)
    await world.cut(document, 3)
    said = {"chapters": chapters, "author": "An Author", "cover": reference("cover")}
    await world.parse(document, 3, **said)
    assert await world.decided(AudiobookRequested) == []
    await world.speak_everything()

    (asked,) = await world.decided(AudiobookRequested)
    pages = {event.page: event.audio_id for event in await world.decided(AudioRequested)}
    assert (asked.narration_id, asked.page_count) == (narration, 2)
    book = await world.contents(asked)
    assert [(page.page, page.audio_id) for page in book.pages] == [(1, pages[1]), (3, pages[3])]
    assert (book.title, book.author, book.language) == ("A title", "An Author", "en")
    assert (book.chapters, book.cover) == (chapters, reference("cover"))
    assert b"title" not in asked.encode()
    assert b"Author" not in asked.encode()

    await world.parse(document, 3)
    assert len(await world.decided(AudiobookRequested)) == 1


@pytest.mark.slow
async def test_each_narration_gets_its_own(world):
    document = await world.hand_in()
    await world.read(document, 1)
    for audiobook in ("m4b", "mp3"):
        await world.narrations.narrate(world.owner, document, NarrationOptions(audiobook=audiobook))
    await world.speak_everything()
    assert {event.format for event in await world.decided(AudiobookRequested)} == {"m4b", "mp3"}


async def test_audio_that_is_there_already_is_enough(world):
    document = await world.hand_in()
    await world.read(document, 2)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    await world.narrations.narrate(world.owner, document, BOOK)
    assert len(await world.decided(AudiobookRequested)) == 1
    assert len(await world.decided(AudioRequested)) == 2


@pytest.mark.slow
async def test_no_audiobook_without_all_pages(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, BOOK)
    await world.read(document, 2)
    first, second = await world.decided(AudioRequested)
    await world.speak(first)
    await world.fail(second)
    assert await world.decided(AudiobookRequested) == []

    await world.narrations.narrate(world.owner, document, BOOK)
    await world.speak((await world.decided(AudioRequested))[-1])
    assert len(await world.decided(AudiobookRequested)) == 2  # both narrations are complete now


@pytest.mark.slow
async def test_pages_that_do_not_exist_are_not_waited_for_and_missing(world):
    document = await world.hand_in()
    order = NarrationOptions(pages=page_ranges((1, 2, 3)), audiobook="m4b")
    await world.narrations.narrate(world.owner, document, order)
    await world.read(document, 2)
    await world.speak_everything()
    (ended,) = await world.ends()
    assert (ended.pages_total, ended.pages_ready, ended.pages_missing) == (3, 2, 1)
    assert ended.missing == page_ranges((3,))
    assert not await world.decided(AudiobookRequested), "a book would lack what was asked for"


async def test_nothing_to_speak_is_no_audiobook(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, BOOK)
    await world.extract(document, 1)
    await world.cut(document, 1, utterances=0, characters=0)
    await world.parse(document, 1)
    assert await world.decided(AudiobookRequested) == []


async def test_a_stranger_event_completes_nothing(world):
    await world.parse(uuid4(), 1)
    assert await world.decided(AudiobookRequested) == []


async def test_a_book_of_pages_that_are_spoken_waits_for_no_turn(tmp_path):
    async with a_world(tmp_path, max_pages_in_flight_per_owner=2) as world:
        await world.take(VOICES)
        first, second = await world.hand_in(), await world.hand_in()
        for document in (first, second):
            await world.read(document, 3)
            await world.narrations.narrate(world.owner, document, NarrationOptions())
            if document == first:
                await world.speak_everything()
        await world.narrations.narrate(world.owner, first, BOOK)
        (asked,) = await world.decided(AudiobookRequested)
        assert asked.document_id == first


async def test_an_audio_that_nobody_requested_here_does_not_hold_it_up(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, BOOK)
    await world.take(
        AudioProgressed(
            document_id=document,
            owner_id=world.owner,
            requested_by=world.owner,
            audio_id=uuid4(),
            page=1,
            done=1,
            total=2,
        )
    )
    await world.read(document, 1)
    await world.speak_everything()
    assert len(await world.decided(AudiobookRequested)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("order", list(permutations(("parse", "extract", "cut"))))
async def test_what_arrives_together_in_any_order_ends_nothing_too_early(world, order, monkeypatch):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    arrived: list[Event] = []
    with monkeypatch.context() as patched:

        async def keep(*happened):
            arrived.extend(happened)

        patched.setattr(world, "take", keep)
        for step in order:
            await getattr(world, step)(document, 1)
    for event in arrived[:-2]:
        await world.take(event)
    await world.take(*arrived[-2:])
    assert await world.ends() == []
    await world.speak_everything()
    (end,) = await world.ends()
    assert (end.pages_ready, end.pages_missing) == (1, 0)
