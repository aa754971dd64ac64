from uuid import uuid4

import pytest

from libs.common.errors import Rejected
from services.gateway.accounts.tests.people import ADA, BEA
from services.gateway.accounts.users import (
    NewUser,
    add_address,
    create_user,
    set_password,
    user_at,
    user_of,
)


def new(address=ADA, user_id=None):
    return NewUser(
        user_id=user_id or uuid4(),
        address=address,
        language="en",
        is_staff=False,
        details_key="users/x/y.json",
    )


async def test_somebody_is_found_by_any_of_their_addresses(world):
    made = new()
    async with world.database.transaction() as connection:
        await create_user(connection, made)
        await add_address(connection, made.user_id, BEA, is_primary=False)
        await set_password(connection, made.user_id, "one")
        await set_password(connection, made.user_id, "other")
        found = await user_of(connection, made.user_id)
        assert [await user_at(connection, address) for address in (ADA.upper(), BEA)] == [found] * 2
        assert await user_at(connection, "eve@example.org") is None
        assert await user_of(connection, uuid4()) is None
    assert found is not None
    assert (found.address, found.hash, found.is_staff) == (ADA, "other", False)
    assert ADA not in repr(found) + repr(made)


@pytest.mark.parametrize("same", ["address", "user_id"])
async def test_an_address_and_an_account_are_made_once(world, same):
    made = new()
    second = new(address=ADA if same == "address" else BEA)
    if same == "user_id":
        second = new(address=BEA, user_id=made.user_id)
    async with world.database.transaction() as connection:
        await create_user(connection, made)
        with pytest.raises(Rejected):
            await create_user(connection, second)
