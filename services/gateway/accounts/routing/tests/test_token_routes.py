import pytest

from services.gateway.accounts import tokens as tokens_module

pytestmark = pytest.mark.slow
TOKENS = "/api/v1/tokens"
READING = {"name": "reader", "scopes": ["read"]}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def made(browser, **wanted):
    answer = await browser.post(TOKENS, json=READING | wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_token_is_shown_once_and_listed_without_its_secret(people):
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        new = await made(browser, valid_days=7)
        assert new["token"].startswith("lectern_")
        [listed] = (await browser.get(TOKENS)).json()["items"]
        assert listed == {name: new[name] for name in listed} | {"created_at": listed["created_at"]}
        assert "token" not in listed
        browser.cookies.clear()
        headers = bearer(new["token"])
        assert (await browser.get("/api/v1/documents", headers=headers)).status_code == 200
        denied = await browser.get(TOKENS, headers=bearer(new["token"]))
        assert denied.json()["code"] == "insufficient_scope"


async def test_a_revoked_token_is_of_no_use_at_once(people):
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        new = await made(browser)
        headers = bearer(new["token"])
        assert (await browser.get("/api/v1/documents", headers=headers)).status_code == 200
        for status in (204, 404):
            assert (await browser.delete(f"{TOKENS}/{new['token_id']}")).status_code == status
        assert (await browser.get("/api/v1/documents", headers=headers)).status_code == 401
        assert (await browser.get(TOKENS)).json()["items"] == []


async def test_a_token_makes_none_that_may_more_or_lasts_longer(people):
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        admin = await made(browser, name="admin", scopes=["admin", "read"], valid_days=1)
        browser.cookies.clear()
        headers = bearer(admin["token"])
        wider = READING | {"scopes": ["read", "write"]}
        refused = await browser.post(TOKENS, json=wider, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert "write" in refused.json()["detail"]
        for days in (None, 30):
            longer = READING | {"valid_days": days}
            answer = await browser.post(TOKENS, json=longer, headers=headers)
            assert answer.json()["expires_at"] == admin["expires_at"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"name": ""},
        {"name": "a\n"},
        {"name": "\x00"},
        {"valid_days": 0},
    ],
)
async def test_what_cannot_be_is_refused(people, wrong):
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        assert (await browser.post(TOKENS, json=READING | wrong)).status_code == 422


async def test_nobody_has_too_many_or_those_of_others(people, monkeypatch):
    monkeypatch.setattr(tokens_module, "MOST_TOKENS", 2)
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        for _ in range(2):
            await made(browser)
        full = await browser.post(TOKENS, json=READING)
        assert (full.status_code, full.json()["code"]) == (409, "quota_exceeded")
        [foreign] = await people.world.tokens.of_owner(people.world.owner)
        assert (await browser.delete(f"{TOKENS}/{foreign.token_id}")).status_code == 404
    assert await people.world.tokens.caller(people.world.token) is not None
