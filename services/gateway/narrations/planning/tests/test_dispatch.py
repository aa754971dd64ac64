import random
from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.base import Event
from libs.common.contracts.documents import PageExtracted, PageSegmented
from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.pages import page_ranges
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world, reference


@pytest.mark.slow
async def test_one_library_does_not_starve_the_others(tmp_path):
    async with a_world(tmp_path, max_pages_in_flight_per_owner=2) as world:
        await world.take(VOICES)
        other = uuid4()
        library, leaflet = await world.hand_in(), await world.hand_in(owner=other)
        await world.narrations.narrate(world.owner, library, NarrationOptions())
        await world.read(library, 9)
        await world.narrations.narrate(other, leaflet, NarrationOptions())
        await world.read(leaflet, 2)
        asked = Counter(event.owner_id for event in await world.decided(AudioRequested))
        assert asked == {world.owner: 2, other: 2}


@pytest.mark.slow
async def test_no_more_pages_in_flight_than_allowed(tmp_path):
    async with a_world(tmp_path, max_pages_in_flight_per_owner=3) as world:
        await world.take(VOICES)
        documents = [await world.hand_in() for _ in range(2)]
        for document in documents:
            await world.narrations.narrate(world.owner, document, NarrationOptions())
            await world.read(document, 4)
        spoken = set()
        while left := [
            event for event in await world.decided(AudioRequested) if event.audio_id not in spoken
        ]:
            assert len(left) <= 3
            spoken.add(left[0].audio_id)
            await world.speak(left[0])
        assert len(spoken) == 8


@pytest.mark.slow
async def test_a_failed_page_makes_room_too(tmp_path):
    async with a_world(tmp_path, max_pages_in_flight_per_owner=1) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        await world.narrations.narrate(world.owner, document, NarrationOptions())
        await world.read(document, 2)
        (first,) = await world.decided(AudioRequested)
        await world.fail(first)
        assert [event.page for event in await world.decided(AudioRequested)] == [1, 2]


async def test_a_deleted_document_makes_room(tmp_path):
    async with a_world(tmp_path, max_pages_in_flight_per_owner=1) as world:
        await world.take(VOICES)
        first, second = await world.hand_in(), await world.hand_in()
        for document in (first, second):
            await world.narrations.narrate(world.owner, document, NarrationOptions())
            await world.read(document, 2)
        await world.documents.delete(world.owner, first)
        asked = await world.decided(AudioRequested)
        assert [event.document_id for event in asked] == [first, second]


@pytest.mark.slow
async def test_nothing_is_spoken_twice(world):
    document = await world.hand_in()
    narrate = world.narrations.narrate
    await narrate(world.owner, document, NarrationOptions(pages=page_ranges((1, 2))))
    await narrate(world.owner, document, NarrationOptions())
    await world.read(document, 3)
    await narrate(world.owner, document, NarrationOptions(audiobook="m4b"))
    await world.speak_everything()
    await narrate(world.owner, document, NarrationOptions())
    assert [event.page for event in await world.decided(AudioRequested)] == [1, 2, 3]


async def test_another_format_is_another_request(world):
    document = await world.hand_in()
    narrate = world.narrations.narrate
    await narrate(world.owner, document, NarrationOptions(format="m4a"))
    await narrate(world.owner, document, NarrationOptions(format="mp3"))
    await world.read(document, 1)
    assert [event.formats for event in await world.decided(AudioRequested)] == [("m4a",), ("mp3",)]


async def test_an_edited_page_is_spoken_as_it_is_now(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.documents.edit_page(world.owner, document, 1, "New text", 0)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert await world.decided(AudioRequested) == []
    await world.cut(document, 1, revision=1)
    assert [event.revision for event in await world.decided(AudioRequested)] == [1]


async def test_a_silent_page_is_not_requested(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.extract(document, 1)
    await world.cut(document, 1, utterances=0, characters=0)
    assert await world.decided(AudioRequested) == []


@pytest.mark.slow
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32), pages=st.integers(1, 4))
async def test_whatever_comes_first_every_page_is_requested_once(tmp_path_factory, seed, pages):
    """Events of several topics, and the order itself, arrive in any order."""
    shuffled = random.Random(seed)
    folder = tmp_path_factory.mktemp("policy")
    async with a_world(folder, max_pages_in_flight_per_owner=2) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        about = {"document_id": document, "owner_id": world.owner}
        steps: list[Event | str] = [
            *(
                PageExtracted(
                    **about, page=page, text=reference(), markdown_characters=1, language="und"
                )
                for page in range(1, pages + 1)
            ),
            *(
                PageSegmented(
                    **about,
                    page=page,
                    segmented_page=reference(),
                    utterance_count=page % 3,
                    characters=1,
                    revision=0,
                    language="und",
                )
                for page in range(1, pages + 1)
            ),
            "parsed",
            "narrate",
            "speak",
        ]
        shuffled.shuffle(steps)
        for step in [*steps, "speak"]:
            if step == "parsed":
                await world.parse(document, pages)
            elif step == "narrate":
                order = NarrationOptions(audiobook="m4b")
                await world.narrations.narrate(world.owner, document, order)
            elif step == "speak":
                await world.speak_everything()
            elif isinstance(step, Event):
                await world.take(step)
        spoken = [event.page for event in await world.decided(AudioRequested)]
        speakable = [page for page in range(1, pages + 1) if page % 3]
        assert sorted(spoken) == speakable
        (asked,) = await world.decided(AudiobookRequested)
        book = await world.contents(asked)
        assert [page.page for page in book.pages] == speakable
        assert len(await world.decided(NarrationRequested)) == 1
