from uuid import uuid4

import pytest

from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.selects import (
    audios_being_made,
    can_be_spoken,
    narration_row,
    narrations_of,
    narrations_without_audiobook,
    next_requested,
)
from services.gateway.tests.world import VOICES, a_world


async def test_pages_wait_in_their_order_until_they_can_be_spoken(tmp_path):
    async with a_world(tmp_path, max_pages_in_flight_per_owner=1) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        await world.read(document, 3)
        narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
        await world.extract(document, 4)
        async with world.database.reading() as connection:
            row = await narration_row(connection, narration)
            next_pages = await next_requested(connection, world.owner, 9)
            assert [page.page for page in next_pages] == [2, 3]
            assert await next_requested(connection, uuid4(), 9) == []
            assert await can_be_spoken(connection, narration)
            assert [audio.page for audio in await audios_being_made(connection, row)] == [1]


async def test_narrations_of_documents(world):
    document = await world.hand_in()
    narrate = world.narrations.narrate
    plain = await narrate(world.owner, document, NarrationOptions())
    bound = await narrate(world.owner, document, NarrationOptions(audiobook="m4b"))
    await world.parse(document, 1)
    async with world.database.reading() as connection:
        found = await narrations_of(connection, document, 9)
        assert [row.narration_id for row in found] == [bound, plain]
        without = await narrations_without_audiobook(connection, document)
        assert [row.narration_id for row in without] == [bound]
        with pytest.raises(NotFound):
            await narration_row(connection, uuid4())
