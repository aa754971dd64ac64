import pytest

from libs.common.contracts.accounts import UserDeleted, UserDisabled
from libs.common.contracts.permissions import ShareLevel
from libs.common.contracts.sharing import ShareEnded
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder
from services.gateway.sharing import closed_accounts
from services.gateway.sharing.selects import open_shares
from services.gateway.sharing.tests.test_invitations import invite, user


async def grant(world, caller, document, address, level):
    order = ShareOrder(address=address, level=level, expires_at=None, message=None)
    await ShareCommands(world.kernel).grant(caller, document, order)


async def addresses_left(world, document):
    async with world.database.reading() as connection:
        return [one.address for one in await open_shares(connection, document)]


@pytest.mark.parametrize("closed", [UserDisabled, UserDeleted])
async def test_shares_to_and_by_a_closed_account_end_some_at_a_time(world, monkeypatch, closed):
    monkeypatch.setattr(closed_accounts, "AT_A_TIME", 1)
    document = await world.hand_in()
    bea = await user(world, "bea@example.org")
    await grant(world, world.owner, document, "bea@example.org", ShareLevel.CAN_SHARE)
    await grant(world, bea, document, "cal@example.org", ShareLevel.VIEW_ONLY)
    await invite(world, document, "dan@example.org")
    by = {"disabled_by": None} if closed is UserDisabled else {"deleted_by": None}
    async with world.kernel.transaction() as command:
        await command.apply(world.kernel.record(closed(user_id=bea, **by)))
    await world.work()
    ended = await world.decided(ShareEnded)
    assert len(ended) == 2
    assert {(event.reason, event.ended_by) for event in ended} == {("account_closed", bea)}
    assert await addresses_left(world, document) == ["dan@example.org"]


async def test_all_shares_of_a_closed_owners_documents_end_whoever_granted_them(world):
    ada, bea = await user(world, "ada@example.org"), await user(world, "bea@example.org")
    await user(world, "cal@example.org")
    document, other = await world.hand_in(owner=ada), await world.hand_in()
    await grant(world, ada, document, "bea@example.org", ShareLevel.CAN_SHARE)
    await grant(world, bea, document, "cal@example.org", ShareLevel.VIEW_ONLY)
    await grant(world, world.owner, other, "cal@example.org", ShareLevel.VIEW_ONLY)
    async with world.kernel.transaction() as command:
        await command.apply(world.kernel.record(UserDisabled(user_id=ada, disabled_by=None)))
    await world.work()
    assert await addresses_left(world, document) == []
    assert await addresses_left(world, other) == ["cal@example.org"]
