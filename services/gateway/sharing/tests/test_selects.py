from datetime import UTC, datetime, timedelta
from uuid import uuid4

from libs.common.contracts.permissions import ShareLevel
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder
from services.gateway.sharing.selects import documents_expired, level_of, open_shares, shares_of
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


async def test_shares_that_ended_by_themselves_in_a_time(either_world):
    world = either_world
    document, other = await world.hand_in(), await world.hand_in()
    bea, cal = await user(world, "bea@example.org"), uuid4()
    end = datetime.now(UTC) + timedelta(days=1)
    order = ShareOrder(
        address="bea@example.org", level=ShareLevel.VIEW_ONLY, expires_at=end, message=None
    )
    share = await ShareCommands(world.kernel).grant(world.owner, document, order)
    await invite(world, other, "bea@example.org")

    async def expired(users, since, until):
        between = (end + timedelta(seconds=since), end + timedelta(seconds=until))
        async with world.database.reading() as connection:
            return await documents_expired(connection, users, *between)

    assert await expired([bea, cal], -1, 0) == {document}
    assert await expired([bea], 0, 1) == set()
    assert await expired([bea], -2, -1) == set()
    assert await expired([cal], -1, 1) == set()
    await ShareCommands(world.kernel).revoke(world.owner, document, share)
    assert await expired([bea], -1, 1) == set()


async def test_all_shares_that_documents_ever_had(world):
    document, other = await world.hand_in(), await world.hand_in()
    ended = await invite(world, document, "ada@example.org")
    await ShareCommands(world.kernel).revoke(world.owner, document, ended)
    again = await invite(world, document, "ada@example.org")
    await invite(world, other, "ada@example.org")
    async with world.database.reading() as connection:
        found = await shares_of(connection, [document])
    assert {share.share_id for share in found} == {ended, again}
