import asyncio
from uuid import uuid4

import pytest

from libs.common.errors import Rejected
from services.gateway.accounts.administration.administering import Administration, Newcomer
from services.gateway.accounts.tests.people import ADA, BEA, GOOD
from services.gateway.kernel.errors import NotFound

pytestmark = pytest.mark.slow
CHOSEN = {"password": GOOD, "password_again": GOOD}


async def account(people, browser, address=ADA):
    assert (await people.log_in(browser, address)).status_code == 204
    return (await browser.get("/api/v1/account")).json()


async def test_an_operator_makes_an_account_by_a_link_that_no_mail_has(people):
    path = await Administration(people.world.kernel).link_for(Newcomer(address=ADA, is_staff=True))
    assert await people.mails() == []
    async with people.browser() as browser:
        assert (await browser.post(path, data=CHOSEN)).status_code == 200
        assert (await browser.post(path, data=CHOSEN)).status_code == 404
        assert (await account(people, browser))["is_staff"]


async def test_an_owner_is_adopted_with_documents_and_tokens(people):
    document = await people.world.hand_in()
    owner = people.world.owner
    newcomer = Newcomer(address=ADA, owner_id=owner)
    path = await Administration(people.world.kernel).link_for(newcomer)
    async with people.browser() as browser:
        await browser.post(path, data=CHOSEN)
        found = await account(people, browser)
        assert (found["user_id"], found["is_staff"]) == (str(owner), False)
        assert (await browser.get(f"/api/v1/documents/{document}")).status_code == 200
    assert await people.world.tokens.caller(people.world.token) is not None
    with pytest.raises(Rejected):
        await Administration(people.world.kernel).link_for(Newcomer(address=BEA, owner_id=owner))


async def test_who_is_invited_gets_a_mail(people):
    await Administration(people.world.kernel).invite(Newcomer(address=BEA))
    [mail] = await people.mails()
    assert (mail.kind, mail.address) == ("invitation", BEA)
    async with people.browser() as browser:
        assert (await browser.post(mail.path, data=CHOSEN)).status_code == 200
        assert not (await account(people, browser, BEA))["is_staff"]
    with pytest.raises(Rejected):
        await Administration(people.world.kernel).invite(Newcomer(address=BEA))


async def test_the_first_one_says_which_address_is_theirs(people):
    administration, owner = Administration(people.world.kernel), uuid4()
    path = await administration.first_link(owner)
    assert path is not None
    async with people.browser() as browser:
        assert 'type="email"' in (await browser.get(path)).text
        assert (await browser.post(path, data=CHOSEN)).status_code == 422
        assert (await browser.post(path, data=CHOSEN | {"address": ADA})).status_code == 200
        found = await account(people, browser)
    assert (found["user_id"], found["is_staff"]) == (str(owner), True)
    assert await administration.first_link(owner) is None


async def test_the_link_for_the_first_one_is_for_nobody_else(people):
    path = await Administration(people.world.kernel).first_link(uuid4())
    async with people.browser() as browser:
        await people.make(browser, BEA)
        late = await browser.post(path, data=CHOSEN | {"address": ADA})
    assert late.status_code == 404


async def test_of_two_links_for_one_owner_one_makes_an_account(people_on_postgresql):
    people, owner = people_on_postgresql, uuid4()
    administration = Administration(people.world.kernel)
    named = [Newcomer(address=address, owner_id=owner) for address in (ADA, BEA)]
    paths = [await administration.link_for(newcomer) for newcomer in named]
    async with people.browser() as browser:
        used = [browser.post(path, data=CHOSEN) for path in paths]
        answers = await asyncio.gather(*used)
    assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_an_account_is_closed_and_opened_by_its_address(people):
    administration = Administration(people.world.kernel)
    async with people.browser() as browser:
        await people.make(browser)
        assert await administration.disable(ADA)
        assert (await people.log_in(browser)).status_code == 401
        assert await administration.enable(ADA)
        assert (await people.log_in(browser)).status_code == 204
    with pytest.raises(NotFound):
        await administration.disable(BEA)
