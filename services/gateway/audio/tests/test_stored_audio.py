from sqlalchemy import delete, select

from services.gateway.audio.stored_audio import DERIVED_FILES
from services.gateway.documents.stored.tables import owner_storage, stored_files
from services.gateway.narrations.options import NarrationOptions


async def test_either_table_can_be_worked_out_anew(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    tables = (stored_files, owner_storage)
    before = [await world.database.fetch(select(table)) for table in tables]
    assert all(before)
    for table, derive in DERIVED_FILES.items():
        async with world.database.transaction() as connection:
            await connection.execute(delete(table))
            await derive(connection)
        assert [await world.database.fetch(select(table)) for table in tables] == before
