from uuid import uuid4

import pytest

from libs.common.effects import apply
from libs.common.events import PageExtracted, VoicesAnnounced
from services.gateway.changes import changed
from services.gateway.tests.world import VOICES, reference


def rung(bell):
    return bell._woken.is_set()


async def test_a_bell_rings_after_the_commit_and_for_its_document_only(world):
    document, other = await world.hand_in(), await world.hand_in()
    with (
        world.assembly.changes.watching(document) as bell,
        world.assembly.changes.watching(other) as silent,
    ):
        async with world.database.transaction() as connection:
            happened = PageExtracted(document_id=document, page=1, text=reference(), characters=1)
            await apply(connection, [changed(happened)], None)
            assert not rung(bell)
        assert rung(bell)
        assert not rung(silent)


async def test_commands_and_handlers_ring(world):
    document = await world.hand_in()
    for change in (
        world.extract(document, 1),
        world.cut(document, 1),
        world.assembly.commands.edit_page(world.owner, document, 1, "New", 0),
        world.assembly.commands.delete_document(world.owner, document),
    ):
        with world.assembly.changes.watching(document) as bell:
            await change
            assert rung(bell)


async def test_an_event_about_no_document_rings_nothing(world):
    with world.assembly.changes.watching(uuid4()) as bell:
        again = VoicesAnnounced.model_validate(VOICES.model_dump() | {"engine": "other"})
        await world.take(again)
        assert not rung(bell)


async def test_bells_are_given_back(world):
    changes, document = world.assembly.changes, uuid4()
    with changes.watching(document), changes.watching(document):
        assert changes.watchers == 2
    assert changes.watchers == 0
    with pytest.raises(ZeroDivisionError), changes.watching(document):
        raise ZeroDivisionError
    assert changes.watchers == 0


async def test_leaving_ends_all_watching(world):
    async with world.assembly.changes as changes:
        assert not changes.closed
        with changes.watching(uuid4()) as bell:
            await changes.__aexit__(None, None, None)
            assert rung(bell)
    assert world.assembly.changes.closed
