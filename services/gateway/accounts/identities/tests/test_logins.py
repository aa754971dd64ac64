"""Linking a site while logged in; how people log in is in routing/tests/test_provider_pages.py."""

from urllib.parse import parse_qs, urlsplit

import pytest

from services.gateway.accounts.identities.login_flows import NewFlow
from services.gateway.accounts.identities.logins import (
    BegunLogin,
    EndedLogin,
    ProviderLogins,
    ReturnedBrowser,
)
from services.gateway.accounts.identities.refusals import LoginRefused
from services.gateway.accounts.tests.people import GOOD
from services.gateway.accounts.tests.provider_sites import authorize
from services.gateway.kernel.errors import NotFound

pytestmark = pytest.mark.slow


async def back(begun: BegunLogin, session, **changed):
    query = parse_qs(urlsplit(await authorize(begun.url)).query)
    given = {
        "state": query["state"][0],
        "code": query["code"][0],
        "issuer": None,
        "is_declined": False,
        "flow": begun.browser,
        "session": session,
        "agent": "Mosaic 1.0",
        **changed,
    }
    return ReturnedBrowser(**given)


async def test_who_links_keeps_their_session_and_has_to_have_it_still(visitors):
    logins = ProviderLogins(visitors.world.kernel, visitors.known_sites)
    people = visitors.people
    visitors.openid.person = {}
    async with people.browser() as ada, people.browser() as bea:
        ada_id = await people.make(ada)
        await people.make(bea, "bea@example.org")
        for browser, address in ((ada, "Ada@example.org"), (bea, "bea@example.org")):
            assert (await people.log_in(browser, address)).status_code == 204
        mine, hers = (one.cookies["__Host-lectern"] for one in (ada, bea))
        for session in (None, hers, "nothing"):
            begun = await logins.begin("openid", "/settings", linking=ada_id)
            with pytest.raises(LoginRefused) as refused:
                await logins.finish("openid", await back(begun, session))
            assert refused.value.reason == "no_session"
        assert (await ada.get("/api/v1/account/identities")).json()["items"] == []
        begun = await logins.begin("openid", "/settings", linking=ada_id)
        ended = await logins.finish("openid", await back(begun, mine))
        assert ended == EndedLogin(user_id=ada_id, session=None, return_path="/settings")
        assert (await ada.get("/api/v1/account")).status_code == 200
        begun = await logins.begin("openid", None, linking=ada_id)
        changed = {
            "current": GOOD,
            "password": "battery staple 8",
            "password_again": "battery staple 8",
        }
        assert (await ada.put("/api/v1/account/password", json=changed)).status_code == 204
        with pytest.raises(LoginRefused):
            await logins.finish("openid", await back(begun, mine))


async def test_nobody_begins_or_ends_with_a_site_that_is_not_known(visitors):
    logins = ProviderLogins(visitors.world.kernel, visitors.known_sites)
    with pytest.raises(NotFound):
        await logins.begin("google", None)
    begun = await logins.begin("openid", None)
    with pytest.raises(NotFound):
        await logins.finish("google", await back(begun, None))
    assert NewFlow(issuer="x").state not in repr(begun)
    assert begun.browser not in repr(begun)
