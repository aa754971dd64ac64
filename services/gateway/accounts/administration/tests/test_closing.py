import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.accounts import UserDeleted, UserDisabled, UserEnabled
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.signing_in.login_sessions import sessions_of
from services.gateway.accounts.tests.people import ADA, registration
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.tables import metadata

pytestmark = pytest.mark.slow


async def test_who_is_disabled_is_out_until_enabled_and_needs_new_tokens(people):
    closing = AccountClosing(people.world.kernel)
    async with people.browser() as browser:
        user = await people.make(browser)
        await people.log_in(browser)
        _, token = await people.world.tokens.create("ada", user)
        assert await closing.disable(user, None)
        assert not await closing.disable(user, None)
        assert await people.world.tokens.caller(token) is None
        assert (await browser.get("/api/v1/account")).status_code == 401
        assert (await people.log_in(browser)).status_code == 401
        assert await closing.enable(user, None)
        assert not await closing.enable(user, None)
        assert await people.world.tokens.caller(token) is None
        assert (await people.log_in(browser)).status_code == 204
    assert len(await people.world.decided(UserDisabled)) == 1
    assert len(await people.world.decided(UserEnabled)) == 1


async def test_nothing_of_who_is_deleted_is_left(people):
    async with people.browser() as browser:
        user = await people.make(browser)
        await people.log_in(browser)
        await people.world.tokens.create("ada", user)
        await browser.post("/api/v1/password-resets", json={"address": ADA})
        await browser.post("/api/v1/registrations", json=registration(ADA.upper()))
        await AccountClosing(people.world.kernel).delete(user, user)
        assert [told.user_id for told in await people.world.decided(UserDeleted)] == [user]
        for table in metadata.sorted_tables:
            async with people.world.database.reading() as connection:
                rows = (await connection.execute(select(table))).mappings().all()
            said = str(rows).lower()
            assert ADA.lower() not in said, table.name
            assert str(user) not in said, table.name
        assert [key async for key in people.world.storage.keys(f"users/{user}/")] == []
        assert (await people.log_in(browser)).status_code == 401
        assert await people.make(browser) != user, "the address is free again"


async def test_who_is_not_there_is_not_found(people):
    closing = AccountClosing(people.world.kernel)
    for doing in (closing.disable(uuid4(), None), closing.delete(uuid4(), None)):
        with pytest.raises(NotFound):
            await doing


async def test_nothing_that_lasts_is_made_while_an_account_is_closed(people_on_postgresql):
    """Neither by who logs in at the moment, nor by who makes tokens: of two, one is late."""
    people = people_on_postgresql
    closing = AccountClosing(people.world.kernel)
    async with people.browser() as browser, people.browser() as other:
        user = await people.make(browser)
        await people.log_in(browser)
        wanted = {"name": "late", "scopes": ["read"]}
        made = [browser.post("/api/v1/tokens", json=wanted) for _ in range(6)]
        made += [people.log_in(other) for _ in range(3)]
        *_, disabled = await asyncio.gather(*made, closing.disable(user, None))
    assert disabled
    assert await people.world.tokens.of_owner(user) == []
    async with people.world.database.reading() as connection:
        assert await sessions_of(connection, user) == []
