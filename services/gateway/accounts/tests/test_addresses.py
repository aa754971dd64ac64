from uuid import uuid4

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from libs.common.errors import Rejected
from services.gateway.accounts.addresses import checked_address, folded
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


@pytest.mark.parametrize("written", ["ada@xn--bcher-kva.example", "ada@XN--BCHER-KVA.example"])
def test_a_domain_compares_as_people_read_it(written):
    assert folded(written) == folded("ada@bücher.example")


@pytest.mark.parametrize("written", ["ada@xn--a-.example", "ada@", "nobody", "ada@b\xfc\ud800"])
def test_what_is_no_domain_compares_as_it_is(written):
    assert folded(written) == written


@pytest.mark.parametrize(
    "written", ["ada@example.org", " Ada.L+books@example.org ", "ada@bücher.example"]
)
def test_what_may_be_an_address_is_taken(written):
    assert checked_address(written) == written.strip()


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@example.org\nBcc: eve@example.org",
        "Ada <ada@example.org>",
        "ada@example.org,eve@example.org",
        '"a b"@example.org',
        "ada@ex ample.org",
        "ada@" + "x" * 64 + ".org",
        "x" * 65 + "@example.org",
        "a@" + ".".join(["x" * 60] * 5),
    ],
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(Rejected, match="no mail address"):
        checked_address(written)


async def test_an_address_may_be_claimed_by_several_and_verified_by_one(world):
    await claim(world, "ada@example.org", verified_at=None)
    await claim(world, "ada@example.org")
    await claim(world, "ada@example.org", verified_at=None)
    with pytest.raises(IntegrityError):
        await claim(world, "ADA@example.org")
