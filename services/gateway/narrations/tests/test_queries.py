from uuid import uuid4

import pytest

from libs.common.contracts.audio import AudiobookFailed, AudiobookRequested
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import of_audiobook


async def test_what_is_not_there_is_not_found(world):
    queries, nobody = world.narration_queries, uuid4()
    for missing in (
        queries.narration(world.owner, nobody),
        queries.narrations(world.owner, nobody),
        queries.page_audios(world.owner, nobody),
    ):
        with pytest.raises(NotFound):
            await missing


@pytest.mark.parametrize("succeeds", [True, False])
async def test_one_cheap_look_tells_how_an_audiobook_ended(world, succeeds):
    document = await world.hand_in()
    await world.read(document, 1)
    options = NarrationOptions(audiobook="m4b")
    narration = await world.narrations.narrate(world.owner, document, options)
    await world.speak_everything()
    assert not await world.narration_queries.is_over(narration)
    (asked,) = await world.decided(AudiobookRequested)
    if succeeds:
        await world.bind(asked)
    else:
        await world.take(AudiobookFailed(**of_audiobook(asked), code="c", details=None))
    assert await world.narration_queries.is_over(narration)


async def test_one_cheap_look_tells_that_there_will_be_no_audiobook(world):
    for ends in ("rejected", "deleted"):
        document = await world.hand_in()
        options = NarrationOptions(audiobook="m4b")
        narration = await world.narrations.narrate(world.owner, document, options)
        assert not await world.narration_queries.is_over(narration)
        if ends == "rejected":
            await world.reject(document)
        else:
            await world.documents.delete(world.owner, document)
        assert await world.narration_queries.is_over(narration), ends


async def test_pages_that_are_ready_in_the_order_of_the_pages(world):
    document = await world.hand_in()
    await world.read(document, 2)
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    found = await world.narration_queries.page_audios(world.owner, narration)
    assert [audio.page for audio in found] == [1, 2]
