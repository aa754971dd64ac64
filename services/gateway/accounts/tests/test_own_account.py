import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from libs.common.errors import Rejected
from services.gateway.accounts.callers import digest_of
from services.gateway.accounts.own_account import OwnAccount, OwnProof
from services.gateway.accounts.passwords.hashing import PasswordHashing
from services.gateway.accounts.tests.people import ADA, BEA, GOOD
from services.gateway.accounts.users import add_address
from services.gateway.kernel.errors import NotFound

pytestmark = pytest.mark.slow


async def test_who_has_no_account_can_do_nothing_about_it(people):
    mine = OwnAccount(people.world.kernel, PasswordHashing(), uuid4())
    proof = OwnProof(session="", password=GOOD)
    for doing in (mine.user(), mine.add_address(BEA, proof), mine.make_primary(uuid4(), proof)):
        with pytest.raises(NotFound):
            await doing


async def test_there_is_always_one_primary_address(people_on_postgresql):
    """Also where one is made primary while it is removed."""
    people = people_on_postgresql
    async with people.browser() as browser:
        user = await people.make(browser)
        await people.log_in(browser)
        proof = OwnProof(session=digest_of(browser.cookies["__Host-lectern"]), password=GOOD)
    mine = OwnAccount(people.world.kernel, PasswordHashing(), user)
    async with people.world.database.transaction() as connection:
        others = [
            await add_address(connection, user, f"{number}@example.org", is_primary=False)
            for number in range(4)
        ]
    doing = [mine.make_primary(one, proof) for one in others]
    doing += [mine.remove_address(one) for one in others]
    await asyncio.gather(*doing, return_exceptions=True)
    assert len([one for one in await mine.addresses() if one.is_primary]) == 1
    assert await mine.check_own(proof)
    with pytest.raises(Rejected, match="not your password"):
        await mine.check_own(replace(proof, password=ADA))
