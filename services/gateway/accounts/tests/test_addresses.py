from uuid import uuid4

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from services.gateway.accounts.addresses import folded
from services.gateway.accounts.tables import addresses

THEN = "2026-01-01T00:00:00.000000Z"


async def claim(world, address, verified_at=THEN):
    claimed = {
        "address_id": str(uuid4()),
        "user_id": str(uuid4()),
        "address": address,
        "folded": folded(address),
        "is_primary": True,
        "created_at": THEN,
        "verified_at": verified_at,
    }
    async with world.database.transaction() as connection:
        await connection.execute(insert(addresses).values(claimed))


@pytest.mark.parametrize("written", ["Ada@Example.org", " ada@example.org", "\uff21da@example.org"])
def test_addresses_are_compared_without_regard_to_how_they_are_written(written):
    assert folded(written) == "ada@example.org"


async def test_an_address_may_be_claimed_by_several_and_verified_by_one(world):
    await claim(world, "ada@example.org", verified_at=None)
    await claim(world, "ada@example.org")
    await claim(world, "ada@example.org", verified_at=None)
    with pytest.raises(IntegrityError):
        await claim(world, "ADA@example.org")
