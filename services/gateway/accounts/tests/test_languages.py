from uuid import uuid4

import pytest

from libs.common.contracts.accounts import UserAddressChanged
from libs.common.contracts.details import UserDetails
from libs.common.storage.details import read_details
from services.gateway.accounts.languages import change_language
from services.gateway.accounts.tests.people import ADA
from services.gateway.accounts.users import user_of
from services.gateway.kernel.errors import NotFound

pytestmark = pytest.mark.slow


async def test_who_writes_to_somebody_is_told_in_which_language(people):
    async with people.browser() as browser:
        user_id = await people.make(browser)
    for _ in range(2):
        await change_language(people.world.kernel, user_id, "de")
    [changed] = await people.world.decided(UserAddressChanged)
    said = await read_details(people.world.storage, changed.details, UserDetails)
    assert (said.address, said.language) == (ADA, "de")
    async with people.world.database.reading() as connection:
        user = await user_of(connection, user_id)
    assert user is not None
    assert (user.language, user.details_key) == ("de", changed.details.key)


async def test_an_owner_without_an_account_is_not_written_to(people):
    with pytest.raises(NotFound):
        await change_language(people.world.kernel, uuid4(), "de")
