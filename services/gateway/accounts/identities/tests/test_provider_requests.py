import asyncio

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.gateway.accounts.identities import provider_requests as module
from services.gateway.accounts.identities.provider_requests import MOST_BYTES, provider_requests
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.accounts.tests.provider_sites import OpenIdSite, served

KEYS = "/keys"


@pytest.fixture
async def site():
    async with served(OpenIdSite()) as site:
        yield site


async def why(url):
    async with provider_requests() as requests:
        with pytest.raises(BadAnswer) as refused:
            await requests.get(url)
    return refused.value.why


async def test_what_is_json_is_returned(site):
    async with provider_requests() as requests:
        assert list(await requests.get(site.url + KEYS)) == ["keys"]
        site.broken[KEYS] = lambda: JSONResponse("x" * (MOST_BYTES - 2))
        assert len(await requests.get(site.url + KEYS)) == MOST_BYTES - 2


async def test_what_is_too_much_is_not_read(site):
    site.broken[KEYS] = lambda: JSONResponse("x" * (MOST_BYTES - 1))
    assert await why(site.url + KEYS) == "its answer is too large"


async def test_what_is_packed_is_not_unpacked(site):
    site.broken[KEYS] = lambda: Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert await why(site.url + KEYS) == "its answer is no JSON"


async def test_redirects_are_not_followed(site):
    site.broken[KEYS] = lambda: RedirectResponse(site.url + "/userinfo")
    assert await why(site.url + KEYS) == "it answered 307"
    assert site.asked == [KEYS]


async def test_who_is_not_there_or_slow_is_given_up(site, monkeypatch):
    async def slow():
        await asyncio.sleep(1)
        return Response()

    assert await why("http://127.0.0.1:1/") == "it cannot be reached"
    assert await why("http://" + "x" * 70 + ".example/") == "it cannot be reached"
    monkeypatch.setattr(module, "WHOLE_ANSWER_S", 0.1)
    site.broken[KEYS] = slow
    assert await why(site.url + KEYS) == "it took too long"


async def test_forms_are_answered_as_well(site):
    site.broken["/token"] = lambda: JSONResponse({"a": 1})
    async with provider_requests() as requests:
        assert await requests.post(site.url + "/token", {}, "a=b") == {"a": 1}
