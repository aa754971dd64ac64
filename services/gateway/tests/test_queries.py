from uuid import uuid4

import pytest

from services.gateway.commands import Order
from services.gateway.problems import NotFound


async def test_what_the_command_line_needs(world):
    document = await world.hand_in()
    await world.read(document, 2)
    queries = world.assembly.queries
    view = await queries.document(world.owner, document)
    assert (view.title, view.state, view.pages_ready) == ("A title", "ready", 2)
    (engine,) = await queries.voices()
    assert [each.id for each in engine.voices] == ["en", "de"]
    listed = await queries.pages(world.owner, document, limit=1, after=1)
    assert ([each.page for each in listed.items], listed.following) == ([2], None)


async def test_a_page_shows_audio_of_its_text_as_it_is_now(world):
    document = await world.hand_in()
    await world.read(document, 1)
    for rate in (1.0, 2.0):
        await world.assembly.commands.narrate(world.owner, document, Order(rate=rate))
    queries = world.assembly.queries
    _, audios = await queries.page(world.owner, document, 1)
    assert [each.rate for each in audios] == [2.0, 1.0]
    await world.assembly.commands.edit_page(world.owner, document, 1, "New", 0)
    page, audios = await queries.page(world.owner, document, 1)
    assert (page.revision, audios) == (1, ())


async def test_what_is_not_there_is_not_found(world):
    queries, nobody = world.assembly.queries, uuid4()
    for missing in (
        queries.document(world.owner, nobody),
        queries.pages(world.owner, nobody, 10),
        queries.page(world.owner, nobody, 1),
        queries.audio(world.owner, nobody),
        queries.audiobook(world.owner, nobody),
        queries.narration(world.owner, nobody),
        queries.narrations(world.owner, nobody),
        queries.page_audios(world.owner, nobody),
    ):
        with pytest.raises(NotFound):
            await missing
