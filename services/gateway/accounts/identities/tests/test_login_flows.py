import asyncio

import pytest
from sqlalchemy import func, select, update

from libs.common.errors import Throttled
from services.gateway.accounts.identities import login_flows as module
from services.gateway.accounts.identities.login_flows import (
    REMOVED_AT_A_TIME,
    NewFlow,
    add_flow,
    check_flow,
    checked_path,
    take_flow,
)
from services.gateway.accounts.identities.refusals import LoginRefused
from services.gateway.accounts.tables import login_flows

pytestmark = pytest.mark.slow
SITE = "https://site.example"
PAST = "2026-01-01T00:00:00.000000Z"


@pytest.fixture(params=["people", "people_on_postgresql"])
def database(request):
    return request.getfixturevalue(request.param).world.database


async def begun(database, **given):
    new = NewFlow(issuer=SITE, **given)
    async with database.transaction() as connection:
        await add_flow(connection, new)
    return new


async def taken(database, state):
    async with database.transaction() as connection:
        return await take_flow(connection, state)


async def test_one_of_two_who_come_at_once_has_it(database):
    new = await begun(database, return_path="/a", is_remembered=True)
    found = await asyncio.gather(*(taken(database, new.state) for _ in range(4)))
    (flow,) = [one for one in found if one is not None]
    assert (flow.return_path, flow.is_remembered, flow.user_id) == ("/a", True, None)
    assert (flow.code_verifier, flow.nonce) == (new.code_verifier, new.nonce)
    assert check_flow(flow, SITE, new.browser) is flow


async def test_it_is_checked_whose_it_is(database):
    new = await begun(database)
    flow = await taken(database, new.state)
    for issuer, browser, reason in [
        ("https://other.example", new.browser, "unknown_flow"),
        (SITE, None, "other_browser"),
        (SITE, new.state, "other_browser"),
    ]:
        with pytest.raises(LoginRefused) as refused:
            check_flow(flow, issuer, browser)
        assert refused.value.reason == reason
    with pytest.raises(LoginRefused):
        check_flow(None, SITE, new.browser)


async def test_what_has_expired_is_of_no_use_and_goes_with_those_that_come(database):
    old = [await begun(database) for _ in range(REMOVED_AT_A_TIME + 3)]
    async with database.transaction() as connection:
        await connection.execute(update(login_flows).values(expires_at=PAST))
    await asyncio.gather(*(begun(database) for _ in range(2)))
    async with database.reading() as connection:
        left = await connection.scalar(select(func.count()).select_from(login_flows))
    assert left == 2
    assert await taken(database, old[0].state) is None


async def test_there_are_only_so_many(database, monkeypatch):
    monkeypatch.setattr(module, "MOST_FLOWS", 2)
    await begun(database)
    await begun(database)
    with pytest.raises(Throttled):
        await begun(database)


async def test_secrets_are_long_different_and_not_shown():
    one, other = NewFlow(issuer=SITE), NewFlow(issuer=SITE)
    secrets = {
        getattr(new, name)
        for new in (one, other)
        for name in ("state", "browser", "code_verifier", "nonce")
    }
    assert len(secrets) == 8
    assert all(len(secret) >= 43 for secret in secrets)
    assert not any(secret in repr(one) for secret in secrets)


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        ("/", "/"),
        ("/documents?a=b#c", "/documents?a=b#c"),
        ("/" + "a" * 499, "/" + "a" * 499),
        ("/" + "a" * 500, None),
        (None, None),
        ("", None),
        ("a", None),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("/\t/evil.example", None),
        ("/a\nb", None),
        ("/a b", None),
        ("https://evil.example", None),
        ("/ä", None),
    ],
)
def test_only_paths_of_ours_are_come_back_to(path, checked):
    assert checked_path(path) == checked
