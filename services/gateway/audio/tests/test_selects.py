from uuid import uuid4

import pytest

from libs.common.contracts.audio import AudioRequested
from services.gateway.audio.selects import (
    audio_row,
    audiobook_row,
    audios_of,
    engines,
    pages_in_flight,
)
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions


@pytest.mark.slow
async def test_pages_in_flight_are_those_nobody_has_finished(world):
    document = await world.hand_in()
    await world.read(document, 3)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    async with world.database.reading() as connection:
        assert await pages_in_flight(connection, world.owner) == 3
        assert await pages_in_flight(connection, uuid4()) == 0
    first, *_ = await world.decided(AudioRequested)
    await world.speak(first)
    async with world.database.reading() as connection:
        assert await pages_in_flight(connection, world.owner) == 2
    await world.documents.delete(world.owner, document)
    async with world.database.reading() as connection:
        assert await pages_in_flight(connection, world.owner) == 0


async def test_what_was_deleted_is_not_there(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    (asked,) = await world.decided(AudioRequested)
    async with world.database.reading() as connection:
        assert [audio.page for audio in await audios_of(connection, document)] == [1]
        assert (await audio_row(connection, asked.audio_id)).engine == "espeak"
    await world.audio.delete(world.owner, asked.audio_id)
    async with world.database.reading() as connection:
        assert await audios_of(connection, document) == []
        with pytest.raises(NotFound):
            await audio_row(connection, asked.audio_id)
        with pytest.raises(NotFound):
            await audiobook_row(connection, uuid4())
        assert [engine.default_voice for engine in await engines(connection)] == ["en"]
