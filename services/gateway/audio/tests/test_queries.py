from uuid import uuid4

import pytest

from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions


@pytest.mark.slow
async def test_a_page_shows_audio_of_its_text_as_it_is_now(world):
    document = await world.hand_in()
    await world.read(document, 1)
    for rate in (1.0, 2.0):
        await world.narrations.narrate(world.owner, document, NarrationOptions(rate=rate))
    queries = world.audio_queries
    _, audios = await queries.page(world.owner, document, 1)
    assert [audio.rate for audio in audios] == [2.0, 1.0]
    await world.documents.edit_page(world.owner, document, 1, "New", 0)
    page, audios = await queries.page(world.owner, document, 1)
    assert (page.revision, audios) == (1, ())


async def test_what_is_not_there_is_not_found(world):
    queries, nobody = world.audio_queries, uuid4()
    for missing in (
        queries.page(world.owner, nobody, 1),
        queries.audio(world.owner, nobody),
        queries.audiobook(world.owner, nobody),
    ):
        with pytest.raises(NotFound):
            await missing


async def test_engines_and_their_voices(world):
    (engine,) = await world.audio_queries.engines()
    assert (engine.engine, engine.default, engine.voices) == ("espeak", True, 2)
    assert [voice.id for voice in await world.audio_queries.voices()] == ["en", "de"]
    assert [voice.id for voice in await world.audio_queries.voices("espeak", "de")] == ["de"]
    assert await world.audio_queries.voices("nothing") == ()
