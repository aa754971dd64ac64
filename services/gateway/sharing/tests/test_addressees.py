from services.gateway.documents.shares.commands import ShareCommands
from services.gateway.sharing.addressees import addresses_of, forget_recipients
from services.gateway.sharing.tests.test_invitations import invite


async def addresses(world, document):
    async with world.database.reading() as connection:
        return await addresses_of(connection, document)


async def test_an_address_is_known_until_its_share_ends_or_its_document_goes(world):
    document, other = await world.hand_in(), await world.hand_in()
    share_id = await invite(world, document, "Ada@example.org")
    await invite(world, document, "bea@example.org")
    await invite(world, other, "cal@example.org")
    assert await addresses(world, document) == {"ada@example.org", "bea@example.org"}
    await ShareCommands(world.kernel).revoke(world.owner, document, share_id)
    assert await addresses(world, document) == {"bea@example.org"}
    async with world.database.transaction() as connection:
        await forget_recipients(connection, document)
    assert await addresses(world, document) == frozenset()
    assert await addresses(world, other) == {"cal@example.org"}
