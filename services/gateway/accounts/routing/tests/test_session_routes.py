import asyncio

import pytest

from services.gateway.accounts.tests.people import ADA, BEA
from services.gateway.tests.world import another_app

pytestmark = pytest.mark.slow
SESSIONS = "/api/v1/sessions"


async def test_sessions_are_listed_and_ended_one_by_one(people):
    async with people.browser() as one, people.browser() as other:
        await people.make(one)
        await people.log_in(one)
        await people.log_in(other)
        listed = (await one.get(SESSIONS)).json()["items"]
        assert [item["is_this"] for item in listed] == [False, True]
        assert {item["agent"] for item in listed} == {"Mosaic 1.0"}
        assert "sha256" not in str(listed)
        ended = await one.delete(f"{SESSIONS}/{listed[0]['session_id']}")
        assert ended.status_code == 204
        assert (await other.get(SESSIONS)).status_code == 401
        assert len((await one.get(SESSIONS)).json()["items"]) == 1
        assert (await one.delete(f"{SESSIONS}/{listed[0]['session_id']}")).status_code == 404


async def test_somebody_elses_session_is_none(people):
    async with people.browser() as one, people.browser() as other:
        for browser, address in ((one, ADA), (other, BEA)):
            await people.make(browser, address)
            await people.log_in(browser, address)
        [mine] = (await one.get(SESSIONS)).json()["items"]
        assert (await other.delete(f"{SESSIONS}/{mine['session_id']}")).status_code == 404
        assert (await one.get(SESSIONS)).status_code == 200


async def test_all_sessions_end_at_once(people):
    async with people.browser() as one, people.browser() as other:
        await people.make(one)
        for browser in (one, other):
            await people.log_in(browser)
            assert (await browser.get(SESSIONS)).status_code == 200
        answer = await one.delete(SESSIONS)
        assert answer.status_code == 204
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert [(await browser.get(SESSIONS)).status_code for browser in (one, other)] == [401] * 2


async def test_who_logs_out_is_out(people):
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        secret = browser.cookies["__Host-lectern"]
        assert (await browser.post("/api/v1/logout")).status_code == 204
        assert "__Host-lectern" not in browser.cookies
        browser.headers["Cookie"] = f"__Host-lectern={secret}"
        assert (await browser.get(SESSIONS)).status_code == 401


async def test_another_gateway_knows_within_seconds(people, monkeypatch):
    monkeypatch.setattr("services.gateway.accounts.callers.KNOWN_FOR_S", 0.3)
    second = another_app(people.world)
    async with people.browser() as one, people.browser(second) as other:
        await people.make(one)
        await people.log_in(one)
        other.cookies = one.cookies
        assert (await other.get(SESSIONS)).status_code == 200
        await one.delete(SESSIONS)
        async with asyncio.timeout(20):
            while (await other.get(SESSIONS)).status_code == 200:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://gateway"}, 403),
        ({"Origin": "https://gateway"}, 204),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_a_session_changes_nothing_for_another_site(people, headers, status):
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        del browser.headers["Sec-Fetch-Site"]
        assert (await browser.get(SESSIONS)).status_code == 200, "reading is harmless"
        answer = await browser.delete(SESSIONS, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "cross_site"


async def test_a_cookie_is_no_token_and_a_token_no_cookie(people):
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        secret = browser.cookies["__Host-lectern"]
        assert (await browser.get(SESSIONS)).status_code == 200
        browser.cookies.clear()
        as_token = {"Authorization": f"Bearer {secret}"}
        assert (await browser.get(SESSIONS, headers=as_token)).status_code == 401
        as_cookie = {"Cookie": f"__Host-lectern={people.world.token}"}
        assert (await browser.get(SESSIONS, headers=as_cookie)).status_code == 401
