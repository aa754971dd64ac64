from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update

from libs.common.contracts.accounts import UserAddressChanged
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.details import UserDetails
from libs.common.storage.details import read_details
from services.gateway.accounts import users
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.tables import passwords, sessions
from services.gateway.accounts.tests.people import ADA, BEA, BETTER, GOOD

pytestmark = pytest.mark.slow
ADDRESSES = "/api/v1/account/addresses"
COOKIE = "__Host-lectern"


async def logged_in(people, browser, address=ADA):
    user = await people.make(browser, address)
    assert (await people.log_in(browser, address)).status_code == 204
    return user


async def added(people, browser, address=BEA):
    answer = await browser.post(ADDRESSES, json={"address": address, "password": GOOD})
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
        before = one.cookies[COOKIE]
        assert (await one.put("/api/v1/account/password", json=wanted)).status_code == 204
        assert one.cookies[COOKIE] != before, "whoever has read it before is out, too"
        assert (await one.get("/api/v1/account")).status_code == 200
        stolen = {"Cookie": f"{COOKIE}={before}"}
        async with people.browser(**stolen) as thief:
            assert (await thief.get("/api/v1/account")).status_code == 401
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
            assert (await browser.post(primary, json={"password": GOOD})).status_code == 204
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
    monkeypatch.setattr(users, "MOST_ADDRESSES", 1)
    async with people.browser() as browser:
        await logged_in(people, browser)
        full = await browser.post(ADDRESSES, json={"address": BEA, "password": GOOD})
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


async def test_a_token_is_not_enough_to_become_its_owner(people):
    async with people.browser() as browser:
        user = await logged_in(people, browser)
        await browser.post((await added(people, browser)).path)
        _, second = (await browser.get(ADDRESSES)).json()["items"]
        _, token = await people.world.tokens.create("everything", user)
        browser.cookies.clear()
        browser.headers["Authorization"] = f"Bearer {token}"
        mine = f"{ADDRESSES}/{second['address_id']}"
        password = {"current": GOOD, "password": BETTER, "password_again": BETTER}
        own = {"password": GOOD}
        for method, path, body in (
            ("PUT", "/api/v1/account/password", password),
            ("POST", "/api/v1/account/deletion", own),
            ("POST", ADDRESSES, own | {"address": "eve@example.org"}),
            ("POST", f"{mine}/primary", own),
            ("DELETE", mine, None),
        ):
            answer = await browser.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "session_needed"), path
        assert len((await browser.get(ADDRESSES)).json()["items"]) == 2


async def test_addresses_are_changed_by_who_knows_the_password(people):
    async with people.browser() as browser:
        await logged_in(people, browser)
        await browser.post((await added(people, browser)).path)
        _, second = (await browser.get(ADDRESSES)).json()["items"]
        for path, body in ((ADDRESSES, {"address": "eve@example.org"}), (second["address_id"], {})):
            url = path if path == ADDRESSES else f"{ADDRESSES}/{path}/primary"
            for wrong in ({}, {"password": BETTER}):
                refused = await browser.post(url, json=body | wrong)
                assert (refused.status_code, refused.json()["code"]) == (422, "bad_password")


async def test_who_has_no_password_has_logged_in_just_now(people):
    async with people.browser() as browser:
        await logged_in(people, browser)
        async with people.world.database.transaction() as connection:
            await connection.execute(delete(passwords))
        chosen = {"password": BETTER, "password_again": BETTER}
        await aged(people, minutes=16)
        refused = await browser.put("/api/v1/account/password", json=chosen)
        assert (refused.status_code, refused.json()["code"]) == (403, "log_in_again")
        await aged(people, minutes=14)
        assert (await browser.put("/api/v1/account/password", json=chosen)).status_code == 204
        assert (await people.log_in(browser, password=BETTER)).status_code == 204


async def aged(people, minutes):
    began = rfc3339(datetime.now(UTC) - timedelta(minutes=minutes))
    async with people.world.database.transaction() as connection:
        await connection.execute(update(sessions).values(created_at=began))


async def test_who_owns_an_address_hears_that_another_one_was_added(people):
    async with people.browser() as browser:
        await logged_in(people, browser)
        await browser.post((await added(people, browser)).path)
    told = (await people.mails())[-1]
    assert (told.kind, told.address, told.about_address) == ("address_confirmed", ADA, BEA)


async def change_password(people, browser, _user):
    wanted = {"current": GOOD, "password": BETTER, "password_again": BETTER}
    return await browser.put("/api/v1/account/password", json=wanted)


async def reset_password(people, browser, _user):
    await browser.post("/api/v1/password-resets", json={"address": ADA})
    link = (await people.mails())[-1].link | {"password": BETTER, "password_again": BETTER}
    return await browser.post("/api/v1/mail-links", json=link)


async def end_all_sessions(_people, browser, _user):
    return await browser.delete("/api/v1/sessions")


async def remove_an_address(people, browser, user):
    async with people.world.database.transaction() as connection:
        one = await users.add_address(connection, user, "old@example.org", is_primary=False)
    return await browser.delete(f"{ADDRESSES}/{one}")


async def disable_and_enable(people, browser, user):
    closing = AccountClosing(people.world.kernel)
    assert await closing.disable(user, None)
    assert await closing.enable(user, None)
    return await browser.get("/api/v1/documents")


ENDING = [change_password, reset_password, end_all_sessions, remove_an_address, disable_and_enable]


@pytest.mark.parametrize("ending", ENDING)
async def test_what_ends_what_others_got_hold_of_ends_their_links_too(people, ending):
    """Somebody who was in for a moment added an address of theirs, and waits with its link."""
    async with people.browser() as browser:
        user = await logged_in(people, browser)
        mail = await added(people, browser)
        await browser.post("/api/v1/password-resets", json={"address": ADA})
        reset = (await people.mails())[-1]
        assert (mail.kind, reset.kind) == ("address_added", "reset_password")
        assert (await ending(people, browser, user)).status_code in {200, 204}
        for late in (mail, reset):
            assert (await browser.post(late.path)).status_code == 404
        async with people.world.database.reading() as connection:
            assert len(await users.addresses_of(connection, user)) == 1


async def test_addresses_have_an_end_also_where_links_are_used(people, monkeypatch):
    async with people.browser() as browser:
        await logged_in(people, browser)
        mail = await added(people, browser)
        monkeypatch.setattr(users, "MOST_ADDRESSES", 1)
        full = await browser.post("/api/v1/mail-links", json=mail.link)
    assert (full.status_code, full.json()["code"]) == (409, "quota_exceeded")
