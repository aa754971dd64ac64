import httpx
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.gateway.http.exposure import Exposure, check_networks, listed
from services.gateway.settings import Settings
from services.gateway.tests.world import a_world

FORWARDED = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}


async def seen(exposure, peer="10.0.0.9", **headers):
    """What an application sees of a client."""

    async def tell(request: Request) -> JSONResponse:
        return JSONResponse([request.scope["client"][0], request.url.scheme])

    app = Starlette(routes=[Route("/", tell)], middleware=exposure.of_proxies())
    transport = httpx.ASGITransport(app=app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return (await client.get("/", headers=headers)).json()


async def test_nobody_is_trusted_unless_named():
    assert await seen(Exposure(), **FORWARDED) == ["10.0.0.9", "http"]
    assert await seen(Exposure(trusted_proxies=("10.1.0.0/16",)), **FORWARDED) == [
        "10.0.0.9",
        "http",
    ]


async def test_a_trusted_proxy_is_believed():
    trusting = Exposure(trusted_proxies=("10.0.0.0/24",))
    assert await seen(trusting, **FORWARDED) == ["203.0.113.7", "https"]
    spoofed = {"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}
    assert await seen(trusting, **spoofed) == ["203.0.113.7", "http"]


def test_settings_name_networks_or_are_refused():
    assert listed(" 10.0.0.0/8, ::1 ,") == ("10.0.0.0/8", "::1")
    assert check_networks("10.0.0.0/8,::1") == "10.0.0.0/8,::1"
    for wrong in ("everybody", "*", "10.0.0.1/8"):
        with pytest.raises(ValidationError, match="list addresses and networks"):
            Settings(database_url="sqlite+aiosqlite:///x", trusted_proxies=wrong)


@pytest.mark.parametrize("path", ["/documents", "/nothing", "/../problems"])
async def test_other_sites_read_nothing_unless_named(tmp_path, path):
    async with (
        a_world(tmp_path, cors_origins="https://app.example") as world,
        world.client() as client,
    ):
        for origin, allowed in (("https://app.example", True), ("https://evil.example", False)):
            answer = await client.get(path, headers={"Origin": origin})
            assert ("access-control-allow-origin" in answer.headers) == allowed
            assert "access-control-allow-credentials" not in answer.headers
        asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}
        assert (await client.options(path, headers=asked)).status_code == 200


async def test_no_site_is_named_by_default(client):
    answer = await client.get("/documents", headers={"Origin": "https://app.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_public_address_by_tls_demands_tls(tmp_path):
    async with (
        a_world(tmp_path, public_url="https://lectern.example") as world,
        world.client() as client,
    ):
        for path in ("/documents", "/nothing", "/openapi.json"):
            answer = await client.get(path)
            assert "max-age" in answer.headers["strict-transport-security"]
        assert answer.json()["servers"] == [{"url": "https://lectern.example"}]
