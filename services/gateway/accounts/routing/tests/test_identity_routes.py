from uuid import uuid4

import pytest
from sqlalchemy import select
from starlette.responses import PlainTextResponse

from services.gateway.accounts.identities.identity_rows import IdentityRow
from services.gateway.accounts.routing.identity_routes import identity_view
from services.gateway.accounts.tables import identities, login_flows
from services.gateway.accounts.tests.people import ADA, GOOD
from services.gateway.accounts.tests.provider_sites import authorize
from services.gateway.kernel.limits import AccountPolicy
from services.gateway.kernel.tables import metadata

pytestmark = pytest.mark.slow
MINE = "/api/v1/account/identities"


async def test_everybody_sees_which_sites_there_are_and_no_more(visitors):
    async with visitors.people.browser() as browser:
        found = (await browser.get("/api/v1/login/providers")).json()
    assert found["items"] == [
        {"name": "openid", "label": "Openid"},
        {"name": "other", "label": "Other"},
        {"name": "github", "label": "Github"},
    ]


async def test_a_site_is_linked_listed_and_unlinked(visitors):
    people = visitors.people
    visitors.other.person = {}
    async with people.browser() as browser, people.browser() as other:
        ada = await people.make(browser)
        await people.log_in(browser)
        wanted = {"provider": "other", "password": GOOD, "next": "/settings"}
        answer = await browser.post(MINE, json=wanted)
        assert answer.status_code == 200, answer.text
        ended = await visitors.end(browser, await authorize(answer.json()["url"]))
        assert (ended.status_code, ended.headers["location"]) == (303, "/settings")
        (found,) = (await browser.get(MINE)).json()["items"]
        assert (found["provider"], found["label"]) == ("other", "Other")
        assert (await visitors.log_in(other, "other")).status_code == 200
        assert await visitors.whose(other) == str(ada)
        (again,) = (await browser.get(MINE)).json()["items"]
        assert again["last_used_at"] > found["last_used_at"]
        path = f"{MINE}/{found['identity_id']}"
        assert (await browser.delete(path)).status_code == 204
        assert (await browser.delete(path)).status_code == 404
        assert (await visitors.log_in(other, "other")).status_code == 403
    kinds = [mail.kind for mail in await people.mails()]
    assert kinds[-2:] == ["login_added", "login_removed"]


async def test_who_links_has_to_be_who_they_say(visitors):
    people = visitors.people
    async with people.browser() as browser, people.browser() as by_token:
        ada = await people.make(browser)
        await people.log_in(browser)
        for wanted, status, code in [
            ({"provider": "openid"}, 422, "bad_password"),
            ({"provider": "openid", "password": "another 7"}, 422, "bad_password"),
            ({"provider": "google", "password": GOOD}, 404, "not_found"),
        ]:
            answer = await browser.post(MINE, json=wanted)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        good = {"provider": "openid", "password": GOOD}
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        assert (await browser.post(MINE, json=good, headers=elsewhere)).status_code == 403
        _, token = await visitors.world.tokens.create("ada", ada)
        by_token.headers["Authorization"] = f"Bearer {token}"
        answer = await by_token.post(MINE, json=good)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_needed")
        answer = await by_token.delete(f"{MINE}/{uuid4()}")
        assert (answer.status_code, answer.json()["code"]) == (403, "session_needed")
        visitors.openid.broken["/.well-known/openid-configuration"] = lambda: PlainTextResponse("x")
        answer = await browser.post(MINE, json=good)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    async with visitors.world.database.reading() as connection:
        assert (await connection.execute(select(login_flows))).all() == []


async def test_the_last_way_in_stays(visitors):
    async with visitors.people.browser() as browser:
        await visitors.log_in(browser)
        (found,) = (await browser.get(MINE)).json()["items"]
        answer = await browser.delete(f"{MINE}/{found['identity_id']}")
        assert (answer.status_code, answer.json()["code"]) == (422, "last_login")
        chosen = {"password": GOOD, "password_again": GOOD}
        assert (await browser.put("/api/v1/account/password", json=chosen)).status_code == 204
        assert (await browser.delete(f"{MINE}/{found['identity_id']}")).status_code == 204


async def test_nothing_of_who_is_deleted_is_left(visitors):
    """Neither what links them, nor a link that is under way."""
    async with visitors.people.browser() as browser:
        await visitors.log_in(browser)
        ada = await visitors.whose(browser)
        await browser.post(MINE, json={"provider": "other"})
        async with visitors.world.database.reading() as connection:
            (flow,) = (await connection.execute(select(login_flows))).all()
            assert str(flow.user_id) == ada
            (identity,) = (await connection.execute(select(identities))).all()
        assert (await browser.post("/api/v1/account/deletion", json={})).status_code == 204
        await visitors.world.work()
        for table in metadata.sorted_tables:
            async with visitors.world.database.reading() as connection:
                said = str((await connection.execute(select(table))).all()).lower()
            for left in (ada, identity.subject, ADA.lower()):
                assert left not in said, table.name
        answer = await visitors.log_in(browser)
        assert (answer.status_code, await visitors.whose(browser) == ada) == (200, False)


def test_what_is_not_configured_any_more_is_shown_as_such():
    now = "2026-11-28T23:30:00.000000Z"
    identity = IdentityRow(
        identity_id=uuid4(),
        issuer="https://gone.example",
        subject="7",
        user_id=uuid4(),
        created_at=now,
        last_used_at=now,
    )
    seen = identity_view(AccountPolicy(), identity)
    assert (seen.provider, seen.label) == (None, "https://gone.example")
    assert "7" not in seen.model_dump(exclude={"identity_id"}).values()
