from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.accounts import UserAddressAdded
from libs.common.contracts.permissions import ShareLevel
from libs.common.contracts.sharing import ShareClaimed
from services.gateway.accounts.users import NewUser, add_address, create_user
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder
from services.gateway.sharing.selects import level_of


async def invite(world, document, address):
    order = ShareOrder(
        address=address, level=ShareLevel.COLLABORATOR, expires_at=None, message=None
    )
    return await ShareCommands(world.kernel).grant(world.owner, document, order)


async def user(world, address, user_id=None):
    """Somebody who has just registered, or an address of somebody that was just proved."""
    event = UserAddressAdded(user_id=user_id or uuid4())
    async with world.kernel.transaction() as command:
        if user_id is None:
            new = NewUser(
                user_id=event.user_id,
                address=address,
                language="en",
                is_staff=False,
                details_key="k",
            )
            await create_user(command.connection, new)
        else:
            await add_address(command.connection, user_id, address, is_primary=False)
        await command.apply(world.kernel.record(event))
    return event.user_id


async def level(world, document, user_id):
    async with world.database.reading() as connection:
        return await level_of(connection, document, user_id)


async def test_an_invitation_becomes_a_share_when_its_address_is_somebodys(world):
    document = await world.hand_in()
    share_id = await invite(world, document, "Bea@example.org")
    bea = await user(world, "bea@example.org")
    assert await level(world, document, bea) is ShareLevel.COLLABORATOR
    [claimed] = await world.decided(ShareClaimed)
    assert (claimed.share_id, claimed.recipient_id) == (share_id, bea)


async def test_so_does_one_to_an_address_that_is_added_later(world):
    document = await world.hand_in()
    bea = await user(world, "bea@example.org")
    await invite(world, document, "bea@work.example")
    assert await level(world, document, bea) is None
    await user(world, "bea@work.example", bea)
    assert await level(world, document, bea) is ShareLevel.COLLABORATOR


@pytest.mark.parametrize("written", ["bea@strasse.example", "bea@straße.example"])
async def test_what_only_looks_like_the_address_gets_nothing(world, written):
    document = await world.hand_in()
    other = {"bea@strasse.example": "bea@straße.example"}.get(written, "bea@strasse.example")
    await invite(world, document, written)
    bea = await user(world, other)
    assert await level(world, document, bea) is None


async def test_an_invitation_that_was_revoked_or_is_of_the_owner_is_claimed_by_nobody(world):
    document = await world.hand_in()
    share_id = await invite(world, document, "bea@example.org")
    await ShareCommands(world.kernel).revoke(world.owner, document, share_id)
    bea = await user(world, "bea@example.org")
    assert await level(world, document, bea) is None
    await invite(world, document, "me@example.org")
    async with world.kernel.transaction() as command:
        new = NewUser(
            user_id=UUID(str(world.owner)),
            address="me@example.org",
            language="en",
            is_staff=False,
            details_key="k",
        )
        await create_user(command.connection, new)
        await command.apply(world.kernel.record(UserAddressAdded(user_id=world.owner)))
    assert await world.decided(ShareClaimed) == []


async def test_nobody_claims_what_they_gave_themselves(world):
    """An invitation to an address that the granter proves later is nobody's."""
    document = await world.hand_in()
    bea = await user(world, "bea@example.org")
    order = ShareOrder(
        address="bea@example.org", level=ShareLevel.CAN_SHARE, expires_at=None, message=None
    )
    first = await ShareCommands(world.kernel).grant(world.owner, document, order)
    again = replace(order, address="bea@work.example")
    await ShareCommands(world.kernel).grant(bea, document, again)
    await user(world, "bea@work.example", bea)
    await ShareCommands(world.kernel).revoke(world.owner, document, first)
    assert await level(world, document, bea) is None
