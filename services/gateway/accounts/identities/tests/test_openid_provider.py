"""What is kept of a site; whole logins are in routing/tests/test_provider_pages.py."""

import asyncio

import pytest
from pydantic import SecretStr
from starlette.responses import PlainTextResponse

from services.gateway.accounts.identities.oauth_steps import AuthorizationRequest
from services.gateway.accounts.identities.openid_provider import (
    FAILURE_KEPT_S,
    KEPT_S,
    OpenIdProvider,
)
from services.gateway.accounts.identities.provider_requests import provider_requests
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.accounts.tests.provider_sites import CLIENT_ID, OpenIdSite, served
from services.gateway.kernel.login_providers import LoginProvider

WELL_KNOWN = "/.well-known/openid-configuration"
GOING = AuthorizationRequest(
    state="s", code_verifier="v", nonce="n", redirect_uri="https://x.example/"
)


@pytest.fixture
async def site():
    async with served(OpenIdSite()) as site:
        yield site


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def provider(site, now):
    said = LoginProvider("site", "oidc", CLIENT_ID, SecretStr("s"), site.url)
    return OpenIdProvider(provider=said, clock=lambda: now[0])


async def test_metadata_are_asked_for_once_for_all_who_wait(site, provider, now):
    async with provider_requests() as requests:
        urls = await asyncio.gather(*(provider.address(requests, GOING) for _ in range(8)))
        assert {url.partition("?")[0] for url in urls} == {f"{site.url}/authorize"}
        now[0] += KEPT_S - 1
        await provider.address(requests, GOING)
        assert site.asked == [WELL_KNOWN]
        now[0] += 2
        await provider.address(requests, GOING)
        assert site.asked == [WELL_KNOWN] * 2


async def test_who_waits_for_what_fails_does_not_wait_again(site, provider, now):
    site.broken[WELL_KNOWN] = lambda: PlainTextResponse("no", 503)
    async with provider_requests() as requests:
        asked = [provider.address(requests, GOING) for _ in range(8)]
        failed = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in failed] == [BadAnswer] * 8
        assert site.asked == [WELL_KNOWN]
        del site.broken[WELL_KNOWN]
        now[0] += FAILURE_KEPT_S + 1
        assert await provider.address(requests, GOING)
