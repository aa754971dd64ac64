import asyncio
from uuid import uuid4

import pytest

from libs.common.errors import Rejected
from services.gateway.accounts.own_account import OwnAccount
from services.gateway.accounts.passwords.hashing import PasswordHashing
from services.gateway.accounts.tests.people import ADA, BEA, GOOD
from services.gateway.accounts.users import add_address
from services.gateway.kernel.errors import NotFound

pytestmark = pytest.mark.slow


async def test_who_has_no_account_can_do_nothing_about_it(people):
    mine = OwnAccount(people.world.kernel, PasswordHashing(), uuid4())
    for doing in (mine.user(), mine.add_address(BEA), mine.make_primary(uuid4())):
        with pytest.raises(NotFound):
            await doing


async def test_there_is_always_one_primary_address(people_on_postgresql):
    """Also where one is made primary while it is removed."""
    people = people_on_postgresql
    async with people.browser() as browser:
        user = await people.make(browser)
    mine = OwnAccount(people.world.kernel, PasswordHashing(), user)
    async with people.world.database.transaction() as connection:
        others = [
            await add_address(connection, user, f"{number}@example.org", is_primary=False)
            for number in range(4)
        ]
    doing = [mine.make_primary(one) for one in others]
    doing += [mine.remove_address(one) for one in others]
    await asyncio.gather(*doing, return_exceptions=True)
    assert len([one for one in await mine.addresses() if one.is_primary]) == 1
    assert await mine.check_own(GOOD)
    with pytest.raises(Rejected, match="not your password"):
        await mine.check_own(ADA)
