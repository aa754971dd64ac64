from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from libs.common.store.effects import apply
from services.gateway.documents.listing.listed_documents import forget_listings, list_again
from services.gateway.documents.tables import document_listings


async def listed(world):
    return {row.document_id: row for row in await world.database.fetch(select(document_listings))}


async def again(world, *items):
    async with world.database.transaction() as connection:
        await apply(connection, [list_again(*item) for item in items], None)


async def test_a_document_is_listed_from_the_moment_it_is_handed_in(world):
    document = str(await world.hand_in())
    row = (await listed(world))[document]
    assert (row.owner_id, row.folded_title) == (str(world.owner), "a title")
    assert row.updated_at == row.submitted_at


async def test_the_last_change_is_the_latest_that_was_told_in_whatever_order(world):
    document = await world.hand_in()
    soon, later = (datetime.now(UTC) + timedelta(hours=hours) for hours in (1, 2))
    await again(world, (document, later), (document, soon))
    await again(world, (document, soon), (document,))
    row = (await listed(world))[str(document)]
    assert row.updated_at.startswith(later.isoformat()[:19])


async def test_a_deleted_document_is_listed_no_more(world):
    gone, other = await world.hand_in(), await world.hand_in()
    await world.documents.delete(world.owner, gone)
    assert set(await listed(world)) == {str(other)}
    await again(world, (gone, datetime.now(UTC)))
    assert set(await listed(world)) == {str(other)}
    async with world.database.transaction() as connection:
        await forget_listings(connection, [other])
    assert not await listed(world)
