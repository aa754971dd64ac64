from uuid import uuid4

import pytest

from libs.common.contracts.pages import page_ranges
from libs.common.errors import Rejected
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.ordering import prepare_order


async def prepared(world, caller, document, **order):
    async with world.database.transaction() as connection:
        return await prepare_order(connection, caller, document, NarrationOptions(**order))


async def test_an_order_is_of_a_document_in_a_sound(world):
    document = await world.hand_in()
    await world.read(document, 2)
    order = await prepared(world, world.owner, document, rate=1.5)
    assert (order.document.document_id, order.spoken_as) == (document, ("espeak", "en", 1.5))
    assert order.same is None
    given = await world.narrations.narrate(world.owner, document, NarrationOptions(rate=1.5))
    again = await prepared(world, world.owner, document, rate=1.5)
    assert again.same is not None
    assert again.same.narration_id == given
    event = order.requested(given)
    assert (event.narration_id, event.requested_by, event.voice) == (given, world.owner, "en")


async def test_what_there_is_not_cannot_be_ordered(world):
    document = await world.hand_in()
    await world.read(document, 2)
    with pytest.raises(NotFound):
        await prepared(world, uuid4(), document)
    with pytest.raises(Rejected, match="there is no page 3"):
        await prepared(world, world.owner, document, pages=page_ranges([2, 3]))
    with pytest.raises(Rejected, match="no voice"):
        await prepared(world, world.owner, document, voice="nobody")
