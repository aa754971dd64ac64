from uuid import uuid4

from libs.common.contracts.permissions import ShareLevel
from services.gateway.documents.shares.commands import ShareCommands
from services.gateway.sharing.selects import level_of, open_shares
from services.gateway.sharing.tests.test_invitations import invite, user


async def test_open_shares_are_those_that_nobody_has_ended_the_oldest_first(world):
    document, other = await world.hand_in(), await world.hand_in()
    first = await invite(world, document, "ada@example.org")
    second = await invite(world, document, "bea@example.org")
    await invite(world, other, "cal@example.org")
    async with world.database.reading() as connection:
        found = await open_shares(connection, document)
    assert [(one.share_id, one.address) for one in found] == [
        (first, "ada@example.org"),
        (second, "bea@example.org"),
    ]
    await ShareCommands(world.kernel).revoke(world.owner, document, first)
    async with world.database.reading() as connection:
        assert [one.share_id for one in await open_shares(connection, document)] == [second]


async def test_what_is_granted_to_one_is_granted_to_nobody_else(world):
    document = await world.hand_in()
    bea = await user(world, "bea@example.org")
    await invite(world, document, "bea@example.org")
    async with world.database.reading() as connection:
        assert await level_of(connection, document, bea) is ShareLevel.COLLABORATOR
        assert await level_of(connection, document, uuid4()) is None
        assert await level_of(connection, uuid4(), bea) is None
