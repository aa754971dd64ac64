from uuid import uuid4

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from services.gateway.accounts.addresses import folded, holder_of
from services.gateway.accounts.tables import addresses, users

THEN = "2026-01-01T00:00:00.000000Z"


async def add(world, address, verified_at=THEN):
    user = uuid4()
    async with world.database.transaction() as connection:
        row = {"user_id": str(user), "created_at": THEN, "is_staff": False}
        await connection.execute(insert(users).values(row))
        claimed = {
            "address_id": str(uuid4()),
            "user_id": str(user),
            "address": address,
            "folded": folded(address),
            "is_primary": True,
            "created_at": THEN,
            "verified_at": verified_at,
        }
        await connection.execute(insert(addresses).values(claimed))
    return user


async def holder(world, address):
    async with world.database.reading() as connection:
        return await holder_of(connection, address)


@pytest.mark.parametrize("written", ["Ada@Example.org", " ada@example.org", "\uff21da@example.org"])
def test_addresses_are_compared_without_regard_to_how_they_are_written(written):
    assert folded(written) == "ada@example.org"


async def test_a_verified_address_is_somebodys(world):
    ada = await add(world, "Ada@example.org")
    assert await holder(world, "ada@EXAMPLE.org") == ada
    assert await holder(world, "bea@example.org") is None
    async with world.database.transaction() as connection:
        await connection.execute(update(users).values(disabled_at=THEN))
    assert await holder(world, "ada@example.org") is None


async def test_an_address_may_be_claimed_by_several_and_verified_by_one(world):
    await add(world, "ada@example.org", verified_at=None)
    assert await holder(world, "ada@example.org") is None
    ada = await add(world, "ada@example.org")
    await add(world, "ada@example.org", verified_at=None)
    assert await holder(world, "ada@example.org") == ada
    with pytest.raises(IntegrityError):
        await add(world, "ADA@example.org")
