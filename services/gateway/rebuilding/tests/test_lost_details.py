from sqlalchemy import delete, select

from services.gateway.documents.tables import document_details
from services.gateway.features import FEATURES
from services.gateway.rebuilding import past_events
from services.gateway.rebuilding.lost_details import restore_details
from services.gateway.rebuilding.tests.living import rows_of


async def test_what_objects_say_comes_back_but_not_of_what_was_deleted(world, monkeypatch):
    monkeypatch.setattr(past_events, "CHUNK", 2)
    kept, gone, unread = [await world.hand_in() for _ in range(3)]
    await world.read(kept, 2)
    await world.read(gone, 1)
    await world.reject(unread)
    await world.documents.delete(world.owner, gone)
    live = await rows_of(world.database, [document_details])
    assert len(live["document_details"]) == 4
    async with world.database.transaction() as connection:
        await connection.execute(delete(document_details))
    assert await restore_details(world.database, world.storage, FEATURES) == 4
    assert await rows_of(world.database, [document_details]) == live
    assert await restore_details(world.database, world.storage, FEATURES) == 0


async def test_an_object_that_is_lost_says_nothing(world):
    document = await world.hand_in()
    async with world.database.transaction() as connection:
        await connection.execute(delete(document_details))
    await world.storage.delete_prefix(f"documents/{document}/")
    assert await restore_details(world.database, world.storage, FEATURES) == 0
    assert await world.database.fetch(select(document_details)) == []
