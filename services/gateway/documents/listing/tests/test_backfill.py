"""Documents that were there before they could be listed are listed by the migration."""

from importlib import import_module
from pathlib import Path

from sqlalchemy import delete, select

from services.gateway import migrations
from services.gateway.documents.tables import document_listings


def migration():
    """The module whose name begins with a number."""
    (path,) = Path(*migrations.__path__).glob("versions/*_documents.py")
    return import_module(f"services.gateway.migrations.versions.{path.stem}")


async def listed(world):
    wanted = select(document_listings).order_by(document_listings.c.document_id)
    return [tuple(row) for row in await world.database.fetch(wanted)]


async def test_the_migration_lists_what_there_is(either_world):
    world = either_world
    ready, rejected, gone = [await world.hand_in() for _ in range(3)]
    await world.parse(ready, 1, title="ÜBER MICH")
    await world.reject(rejected)
    await world.documents.delete(world.owner, gone)
    before = await listed(world)
    assert {row[0] for row in before} == {str(ready), str(rejected)}
    async with world.database.transaction() as connection:
        await connection.execute(delete(document_listings))
        await connection.run_sync(migration()._list_documents)
    assert await listed(world) == before
