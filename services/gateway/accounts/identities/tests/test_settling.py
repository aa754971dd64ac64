"""What happens where several come at once, and where others change who somebody is meanwhile."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select

from libs.common.contracts.accounts import UserRegistered
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.identities.identity_rows import identities_of
from services.gateway.accounts.identities.own_identities import OwnIdentities
from services.gateway.accounts.identities.proven_identity import ProvenIdentity
from services.gateway.accounts.identities.refusals import LoginRefused
from services.gateway.accounts.identities.settling import IdentitySettling
from services.gateway.accounts.tables import identities, sessions, users
from services.gateway.accounts.tests.people import ADA

pytestmark = pytest.mark.slow


def proven(number=1, address=ADA, site="https://site.example"):
    return ProvenIdentity(issuer=site, subject=str(number), address=address)


async def who(command, settled):
    return settled.user_id


async def settle(visitors, identity, linking: UUID | None = None):
    return await IdentitySettling(visitors.world.kernel).settle(identity, linking, who)


async def rows(visitors, table):
    async with visitors.world.database.reading() as connection:
        return (await connection.execute(select(table))).all()


async def test_of_many_with_one_identity_one_makes_the_account(visitors_on_postgresql):
    visitors = visitors_on_postgresql
    found = await asyncio.gather(*(settle(visitors, proven()) for _ in range(6)))
    assert len(set(found)) == 1
    assert len(await rows(visitors, users)) == len(await rows(visitors, identities)) == 1
    assert len(await visitors.world.decided(UserRegistered)) == 1
    kept = [key async for key in visitors.world.storage.keys("users/")]
    assert len(kept) == 1, "what the others stored is gone"


async def test_of_several_sites_with_one_address_one_makes_and_the_others_link(
    visitors_on_postgresql,
):
    visitors = visitors_on_postgresql
    sites = [proven(site=f"https://{number}.example") for number in range(5)]
    found = await asyncio.gather(*(settle(visitors, one) for one in sites))
    assert len(set(found)) == 1
    assert len(await rows(visitors, users)) == 1
    assert len(await rows(visitors, identities)) == 5
    told = [mail.kind for mail in await visitors.people.mails()]
    assert told == ["login_added"] * 4


async def test_one_identity_with_several_addresses_has_one_account(visitors_on_postgresql):
    visitors = visitors_on_postgresql
    many = [proven(address=f"{number}@example.org") for number in range(5)]
    found = await asyncio.gather(*(settle(visitors, one) for one in many))
    assert len(set(found)) == 1
    assert len(await rows(visitors, users)) == 1


async def test_who_registers_and_who_comes_from_a_site_are_one(visitors_on_postgresql):
    visitors = visitors_on_postgresql
    async with visitors.people.browser() as browser:
        mail = await visitors.people.register(browser)
        used = browser.post("/api/v1/mail-links", json=mail.link)
        answer, user_id = await asyncio.gather(used, settle(visitors, proven()))
        assert answer.status_code in {204, 404, 422}
    assert [user.user_id for user in await rows(visitors, users)] == [str(user_id)]


async def test_nobody_comes_in_while_the_account_is_closed_or_unlinked(visitors_on_postgresql):
    visitors = visitors_on_postgresql
    kernel = visitors.world.kernel
    async with visitors.people.browser() as browser:
        user = await visitors.people.make(browser)
        for identity in (proven(), proven(2, site="https://other.example")):
            await settle(visitors, identity)
        first, second = await OwnIdentities(kernel, user).all()
        begun = [visitors.log_in(browser) for _ in range(4)]
        changing = [
            OwnIdentities(kernel, user).unlink(first.identity_id),
            OwnIdentities(kernel, user).unlink(second.identity_id),
            AccountClosing(kernel).disable(user, None),
        ]
        answers = await asyncio.gather(*begun, *changing, return_exceptions=True)
        assert not [one for one in answers if isinstance(one, BaseException)]
    assert await rows(visitors, sessions) == []
    async with visitors.world.database.reading() as connection:
        left = await identities_of(connection, user)
    assert {one.issuer for one in left} <= {visitors.openid.url}


async def test_nothing_is_left_of_what_fails_afterwards(visitors):
    async def fail(command, settled):
        raise LoginRefused("no_session")

    with pytest.raises(LoginRefused):
        await IdentitySettling(visitors.world.kernel).settle(proven(), None, fail)
    assert await rows(visitors, users) == await rows(visitors, identities) == []
    assert await visitors.world.decided(UserRegistered) == []


async def test_who_links_is_told_and_has_it_until_it_is_somebody_elses(visitors):
    people = visitors.people
    async with people.browser() as browser:
        ada = await people.make(browser)
        bea = await people.make(browser, "bea@example.org")
    assert await settle(visitors, proven(address=None), ada) == ada
    assert await settle(visitors, proven(address="new@example.org")) == ada
    assert await settle(visitors, proven(), ada) == ada
    with pytest.raises(LoginRefused) as refused:
        await settle(visitors, proven(), bea)
    assert refused.value.reason == "somebody_elses"
    with pytest.raises(LoginRefused) as refused:
        await settle(visitors, proven(2), UUID(int=7))
    assert refused.value.reason == "no_session"
    told = [(mail.kind, mail.address) for mail in await people.mails()]
    assert told[-1] == ("login_added", ADA)
    assert [kind for kind, _ in told].count("login_added") == 1
