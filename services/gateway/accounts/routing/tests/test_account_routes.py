import pytest

from libs.common.contracts.accounts import UserAddressChanged
from libs.common.contracts.details import UserDetails
from libs.common.storage.details import read_details
from services.gateway.accounts import own_account
from services.gateway.accounts.tests.people import ADA, BEA, BETTER, GOOD

pytestmark = pytest.mark.slow
ADDRESSES = "/api/v1/account/addresses"


async def logged_in(people, browser, address=ADA):
    user = await people.make(browser, address)
    assert (await people.log_in(browser, address)).status_code == 204
    return user


async def added(people, browser, address=BEA):
    answer = await browser.post(ADDRESSES, json={"address": address})
    assert answer.status_code == 202, answer.text
    return (await people.mails())[-1]


async def test_who_i_am(people):
    async with people.browser() as browser:
        user = await logged_in(people, browser)
        found = (await browser.get("/api/v1/account")).json()
    assert (found["user_id"], found["address"], found["is_staff"]) == (str(user), ADA, False)
    assert found["has_password"]
    assert "hash" not in found


async def test_an_owner_without_an_account_has_none(people, client):
    assert (await client.get("/account")).status_code == 404


async def test_a_new_password_ends_all_other_sessions(people):
    async with people.browser() as one, people.browser() as other:
        await logged_in(people, one)
        await people.log_in(other)
        wanted = {"current": "wrong", "password": BETTER, "password_again": BETTER}
        refused = await one.put("/api/v1/account/password", json=wanted)
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_password")
        wanted["current"] = GOOD
        assert (await one.put("/api/v1/account/password", json=wanted)).status_code == 204
        assert (await one.get("/api/v1/account")).status_code == 200
        assert (await other.get("/api/v1/account")).status_code == 401
        assert (await people.log_in(other)).status_code == 401
        assert (await people.log_in(other, password=BETTER)).status_code == 204
    told = (await people.mails())[-1]
    assert (told.kind, told.address) == ("password_changed", ADA)


async def test_a_new_password_takes_links_back_that_would_set_another(people):
    async with people.browser() as browser:
        await logged_in(people, browser)
        await browser.post("/api/v1/password-resets", json={"address": ADA})
        mail = (await people.mails())[-1]
        assert mail.kind == "reset_password"
        wanted = {"current": GOOD, "password": BETTER, "password_again": BETTER}
        assert (await browser.put("/api/v1/account/password", json=wanted)).status_code == 204
        assert (await browser.get(mail.path)).status_code == 404


async def test_an_address_is_there_when_it_is_confirmed_and_good_to_log_in_with(people):
    async with people.browser() as browser:
        await logged_in(people, browser)
        mail = await added(people, browser)
        assert (mail.kind, mail.address) == ("address_added", BEA)
        assert len((await browser.get(ADDRESSES)).json()["items"]) == 1
        assert (await people.log_in(browser, BEA)).status_code == 401
        assert (await browser.post(mail.path)).status_code == 200
        listed = (await browser.get(ADDRESSES)).json()["items"]
        assert [(item["address"], item["is_primary"]) for item in listed] == [
            (ADA, True),
            (BEA, False),
        ]
        assert (await people.log_in(browser, BEA)).status_code == 204


async def test_nobody_learns_by_adding_whose_an_address_is(people):
    async with people.browser() as browser, people.browser() as other:
        await people.make(other, BEA)
        await logged_in(people, browser)
        mail = await added(people, browser)
        assert (mail.kind, mail.address) == ("already_registered", BEA)
        assert (await browser.post(mail.path)).status_code == 404
        assert len((await browser.get(ADDRESSES)).json()["items"]) == 1


async def test_mails_go_to_the_primary_address(people):
    async with people.browser() as browser:
        await logged_in(people, browser)
        await browser.post((await added(people, browser)).path)
        first, second = (await browser.get(ADDRESSES)).json()["items"]
        primary = f"{ADDRESSES}/{second['address_id']}/primary"
        for _ in range(2):
            assert (await browser.post(primary)).status_code == 204
        assert (await browser.get("/api/v1/account")).json()["address"] == BEA
        kept = await browser.delete(f"{ADDRESSES}/{second['address_id']}")
        assert (kept.status_code, kept.json()["code"]) == (422, "primary_address")
        for status in (204, 404):
            gone = await browser.delete(f"{ADDRESSES}/{first['address_id']}")
            assert gone.status_code == status
        assert (await people.log_in(browser, ADA)).status_code == 401
    [changed] = await people.world.decided(UserAddressChanged)
    said = await read_details(people.world.storage, changed.details, UserDetails)
    assert said.address == BEA
    told = (await people.mails())[-1]
    assert (told.kind, told.address, told.about_address) == ("address_changed", ADA, BEA)


async def test_addresses_have_an_end(people, monkeypatch):
    monkeypatch.setattr(own_account, "MOST_ADDRESSES", 1)
    async with people.browser() as browser:
        await logged_in(people, browser)
        full = await browser.post(ADDRESSES, json={"address": BEA})
    assert (full.status_code, full.json()["code"]) == (409, "quota_exceeded")


async def test_an_account_is_deleted_by_who_knows_its_password(people):
    async with people.browser() as browser:
        await logged_in(people, browser)
        wrong = await browser.post("/api/v1/account/deletion", json={"password": "wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_password")
        assert (await browser.get("/api/v1/account")).status_code == 200
        gone = await browser.post("/api/v1/account/deletion", json={"password": GOOD})
        assert gone.status_code == 204
        assert "Max-Age=0" in gone.headers["set-cookie"]
        assert (await browser.get("/api/v1/account")).status_code == 401
        assert (await people.log_in(browser)).status_code == 401
