from uuid import uuid4

import pytest

from libs.common.contracts.audio import VoicesAnnounced
from libs.common.store.effects import apply
from services.gateway.kernel.changes import changed
from services.gateway.tests.world import VOICES


async def test_a_watcher_is_woken_after_the_commit_and_for_its_document_only(world):
    document, other = await world.hand_in(), await world.hand_in()
    with (
        world.kernel.changes.watching(document) as wakeup,
        world.kernel.changes.watching(other) as silent,
    ):
        async with world.database.transaction() as connection:
            await apply(connection, [changed(document)], None)
            assert not wakeup.pending
        assert wakeup.pending
        assert not silent.pending


async def test_commands_and_handlers_wake_watchers(world):
    document = await world.hand_in()
    for change in (
        world.extract(document, 1),
        world.cut(document, 1),
        world.documents.edit_page(world.owner, document, 1, "New", 0),
        world.documents.delete(world.owner, document),
    ):
        with world.kernel.changes.watching(document) as wakeup:
            await change
            assert wakeup.pending


async def test_an_event_about_no_document_wakes_nobody(world):
    with world.kernel.changes.watching(uuid4()) as wakeup:
        again = VoicesAnnounced.model_validate(VOICES.model_dump() | {"engine": "other"})
        await world.take(again)
        assert not wakeup.pending


async def test_wakeups_are_given_back(world):
    changes, document = world.kernel.changes, uuid4()
    with changes.watching(document), changes.watching(document):
        assert changes.watchers == 2
    assert changes.watchers == 0
    with pytest.raises(ZeroDivisionError), changes.watching(document):
        raise ZeroDivisionError
    assert changes.watchers == 0


async def test_leaving_ends_all_watching(world):
    async with world.kernel.changes as changes:
        assert not changes.closed
        with changes.watching(uuid4()) as wakeup:
            await changes.__aexit__(None, None, None)
            assert wakeup.pending
    assert world.kernel.changes.closed
