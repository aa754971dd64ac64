import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import update

from libs.common.contracts.audio import VoicesAnnounced
from libs.common.errors import Unavailable
from libs.common.store.effects import apply
from services.gateway.kernel import changes as changes_module
from services.gateway.kernel.changes import LATELY_S, changed
from services.gateway.kernel.tables import document_changes
from services.gateway.tests.world import VOICES, a_world


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
        with changes.watching(uuid4()) as wakeup, changes.watching_all() as changed:
            await changes.__aexit__(None, None, None)
            assert wakeup.pending
            assert changed.wakeup.pending
    assert world.kernel.changes.closed


async def test_who_watches_all_is_told_which_documents_changed(world):
    document = await world.hand_in()
    with world.kernel.changes.watching_all() as changed:
        assert world.kernel.changes.watchers == 1
        await world.extract(document, 1)
        other = await world.hand_in()
        assert changed.wakeup.pending
        assert changed.take() == {str(document), str(other)}
        assert changed.take() == set()
    assert world.kernel.changes.watchers == 0
    await world.extract(document, 2)
    assert changed.take() == set()


async def taken(changed, count):
    """Documents that changed, once there are so many."""
    found: set[str] = set()
    async with asyncio.timeout(10):
        while len(found) < count:
            await changed.wakeup.wait(10)
            found |= changed.take()
    return found


async def test_what_changed_elsewhere_lately_is_found_by_one_look(
    either_database, tmp_path, monkeypatch
):
    async with a_world(tmp_path, either_database, events_poll_interval_ms=50) as world:
        old, young = await world.hand_in(), await world.hand_in()
        async with world.database.transaction() as connection:
            await connection.execute(
                update(document_changes)
                .where(document_changes.c.document_id == str(old))
                .values(changed_at_s=document_changes.c.changed_at_s - 3600)
            )
        monkeypatch.setattr(world.database.wakeups, "notify", lambda names: None)
        async with world.kernel.changes as changes:
            with changes.watching_all() as found:
                assert await taken(found, 1) == {str(young)}
                await asyncio.sleep(0.2)
                assert found.take() == set()
                async with world.database.transaction() as connection:
                    await apply(connection, [changed(old)], None)
                assert await taken(found, 1) == {str(old)}


async def test_a_look_reaches_back_to_the_last_one_that_succeeded(world, monkeypatch):
    asked, failures = [], [Unavailable("away"), Unavailable("away")]
    monkeypatch.setattr(world.kernel.changes, "_poll_interval_s", 0.01)
    monkeypatch.setattr(changes_module, "monotonic", iter(range(0, 100_000, 100)).__next__)
    fetch = world.database.fetch

    async def sometimes(statement, given=None):
        if given is None:
            return await fetch(statement)
        asked.append(given["seconds"])
        if failures:
            raise failures.pop()
        return await fetch(statement, given)

    monkeypatch.setattr(world.database, "fetch", sometimes)
    async with asyncio.timeout(10), world.kernel.changes as changes:
        with changes.watching_all():
            while len(asked) < 4:
                await asyncio.sleep(0.01)
    assert [seconds - LATELY_S for seconds in asked[:4]] == [100, 200, 300, 100]
