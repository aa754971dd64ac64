from uuid import uuid4

import pytest

from libs.common.contracts.audio import AudiobookReady, AudiobookRequested
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import reference


async def test_what_is_not_there_is_not_found(world):
    queries, nobody = world.narration_queries, uuid4()
    for missing in (
        queries.narration(world.owner, nobody),
        queries.narrations(world.owner, nobody),
        queries.page_audios(world.owner, nobody),
    ):
        with pytest.raises(NotFound):
            await missing


async def test_one_cheap_look_tells_that_an_audiobook_is_there(world):
    document = await world.hand_in()
    await world.read(document, 1)
    options = NarrationOptions(audiobook="m4b")
    narration = await world.narrations.narrate(world.owner, document, options)
    await world.speak_everything()
    assert not await world.narration_queries.has_audiobook(narration)
    (asked,) = await world.decided(AudiobookRequested)
    await world.take(
        AudiobookReady(
            document_id=document,
            audiobook_id=asked.audiobook_id,
            format="m4b",
            object=reference(),
            title="T",
            duration_ms=1,
            chapters=1,
        )
    )
    assert await world.narration_queries.has_audiobook(narration)


async def test_pages_that_are_ready_in_the_order_of_the_pages(world):
    document = await world.hand_in()
    await world.read(document, 2)
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    found = await world.narration_queries.page_audios(world.owner, narration)
    assert [audio.page for audio in found] == [1, 2]
