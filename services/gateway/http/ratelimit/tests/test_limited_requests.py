"""How often one may ask, seen from outside: on a whole gateway."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute

from services.gateway.accounts.tests.people import ADA, BEA, BETTER, GOOD, KEY, People
from services.gateway.features import FEATURES
from services.gateway.http.ratelimit.limit_classes import limits_of
from services.gateway.tests.world import a_world

pytestmark = pytest.mark.slow

CHEAP = {
    ("POST", "/api/v1/logout"),
    ("POST", "/api/v1/narrations/{narration_id}/cancel"),
    ("POST", "/api/v1/audios/{audio_id}/playback-link"),
    ("POST", "/api/v1/users/{user_id}/disable"),
    ("POST", "/api/v1/users/{user_id}/enable"),
}
"""What makes, sends and guesses nothing."""
REMOVING = {"DELETE"}
READING = {"GET", "HEAD"}
COSTLY_TO_READ = {
    "/api/v1/documents/{document_id}/events",
    "/api/v1/events",
    "/links/{mail_id}/{secret}",
    "/login/{provider}",
}


@asynccontextmanager
async def limited_world(folder, **limits):
    given = {f"rate_limit_{name}": limit for name, limit in limits.items()}
    async with a_world(folder, rate_limits=True, **given) as world, world.client() as client:
        yield world, client


def text():
    return {"text": f"Some text {uuid4()}."}


def test_every_route_that_costs_is_limited():
    routers = [router for feature in FEATURES for router in (*feature.api, *feature.pages)]
    routes = [one for router in routers for one in router.routes if isinstance(one, APIRoute)]
    assert routes
    for route in routes:
        for method in route.methods or set():
            costs = (
                route.path in COSTLY_TO_READ
                if method in READING
                else method not in REMOVING and (method, route.path) not in CHEAP
            )
            assert bool(limits_of(route.openapi_extra)) == costs, (method, route.path)


async def test_uploads_are_ten_in_an_hour_unless_settings_say_otherwise(tmp_path):
    async with limited_world(tmp_path) as (_, client):
        for left in range(9, -1, -1):
            answer = await client.post("/documents", json=text())
            assert answer.status_code == 202, answer.text
            assert answer.headers["ratelimit-policy"] == '"upload";q=10;w=3600'
            assert answer.headers["ratelimit"].startswith(f'"upload";r={left};t=')
        refused = await client.post("/documents", json=text())
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 3590 <= int(refused.headers["retry-after"]) <= 3600
        assert refused.headers["ratelimit"].startswith('"upload";r=0;t=')
        assert (await client.get("/documents")).status_code == 200


async def test_users_have_shares_of_their_own(tmp_path):
    async with limited_world(tmp_path, upload="1/hour") as (world, client):
        assert (await client.post("/documents", json=text())).status_code == 202
        assert (await client.post("/documents", json=text())).status_code == 429
        _, token = await world.tokens.create("other")
        async with world.client(token) as other:
            assert (await other.post("/documents", json=text())).status_code == 202


async def test_what_one_may_not_do_costs_nothing(tmp_path):
    async with limited_world(tmp_path, share="2/hour", narration="2/hour") as (world, client):
        foreign = await world.hand_in(owner=uuid4())
        mine = await world.hand_in()
        wanted = {"address": "ada@example.org"}
        for _ in range(5):
            refused = await client.post(f"/documents/{foreign}/shares", json=wanted)
            assert refused.status_code == 404
            assert "ratelimit" in refused.headers
            assert (await client.post(f"/documents/{mine}/shares", json={})).status_code == 422
        async with world.client("lectern_wrong") as stranger:
            answer = await stranger.post(f"/documents/{mine}/shares", json=wanted)
            assert answer.status_code == 401
            assert "ratelimit" not in answer.headers
        for name in ("ada", "bea"):
            wanted = {"address": f"{name}@example.org"}
            answer = await client.post(f"/documents/{mine}/shares", json=wanted)
            assert answer.status_code == 201
        assert (await client.post(f"/documents/{mine}/shares", json=wanted)).status_code == 429


async def test_web_addresses_have_a_limit_of_their_own_beside(tmp_path):
    async with limited_world(tmp_path, upload="5/hour", fetch="1/hour") as (_, client):
        address = {"url": "https://example.org/"}
        answer = await client.post("/documents", json=address)
        assert answer.status_code == 202
        assert '"upload";r=4' in answer.headers["ratelimit"]
        assert '"fetch";r=0' in answer.headers["ratelimit"]
        assert (await client.post("/documents", json=address)).status_code == 429
        answer = await client.post("/documents", json=text())
        assert answer.status_code == 202
        assert answer.headers["ratelimit"].startswith('"upload";r=3')


async def test_nothing_is_limited_where_settings_say_so(tmp_path):
    async with limited_world(tmp_path, upload="0") as (_, client):
        for _ in range(12):
            answer = await client.post("/documents", json=text())
            assert (answer.status_code, "ratelimit" in answer.headers) == (202, False)


async def test_of_many_at_once_no_more_get_through(tmp_path):
    async with limited_world(tmp_path, upload="3/hour") as (_, client):
        answers = await asyncio.gather(*(client.post("/documents", json=text()) for _ in range(10)))
        assert sum(answer.status_code == 202 for answer in answers) <= 3
        assert {answer.status_code for answer in answers} == {202, 429}


async def test_a_redis_that_is_away_refuses_nobody(tmp_path):
    settings = {"rate_limit_store_url": "redis://127.0.0.1:1/0"}
    async with a_world(tmp_path, rate_limits=True, **settings) as world, world.client() as client:
        assert (await client.post("/documents", json=text())).status_code == 202
        outages = world.kernel.metrics.rate_limit_outages_total._value.get()
        assert outages == 1


async def test_the_description_names_headers_and_refusals(tmp_path):
    async with limited_world(tmp_path) as (_, client):
        described = (await client.get("/openapi.json")).json()["paths"]
    submit = described["/api/v1/documents"]["post"]["responses"]
    for status in ("202", "422", "429"):
        assert {"RateLimit", "RateLimit-Policy"} <= submit[status]["headers"].keys()
    (content,) = submit["429"]["content"].values()
    assert "rate_limited" in content["examples"]
    listing = described["/api/v1/documents"]["get"]["responses"]
    assert "RateLimit" not in listing["200"]["headers"]


def log_in(address, password="wrong, all of it"):
    return {"address": address, "password": password}


@asynccontextmanager
async def clients(world, *addresses):
    """Browsers at different places."""
    opened = [
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=world.app, client=(address, 1)),
            base_url="https://gateway/api/v1",
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        for address in addresses
    ]
    yield opened
    for client in opened:
        await client.aclose()


async def test_one_account_is_not_guessed_at_from_many_places(tmp_path):
    places = [f"192.0.2.{number}" for number in range(3)]
    async with (
        limited_world(tmp_path, login="2/hour") as (world, _),
        clients(world, *places) as (one, other, third),
    ):
        for client in (one, other):
            answer = await client.post("/login", json=log_in("Ada@example.org"))
            assert answer.status_code == 401
        answer = await third.post("/login", json=log_in(" ada@EXAMPLE.org"))
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert "example" not in answer.text
        assert (await third.post("/login", json=log_in("bea@x.org"))).status_code == 401


async def test_one_client_does_not_guess_at_many_accounts(tmp_path):
    places = ("2001:db8::1", "2001:db8::2", "2001:db8:0:100::1")
    async with (
        limited_world(tmp_path, login="2/hour") as (world, _),
        clients(world, *places) as (one, other, elsewhere),
    ):
        for number, client in enumerate((one, other)):
            answer = await client.post("/login", json=log_in(f"{number}@example.org"))
            assert answer.status_code == 401
        assert (await one.post("/login", json=log_in("x@example.org"))).status_code == 429
        assert (await elsewhere.post("/login", json=log_in("y@example.org"))).status_code == 401


async def test_clients_behind_a_trusted_proxy_are_told_apart_and_others_cannot_pretend(tmp_path):
    given = {"rate_limit_login": "1/hour", "trusted_proxies": "10.0.0.0/8"}
    async with (
        a_world(tmp_path, rate_limits=True, **given) as world,
        clients(world, "10.0.0.1", "192.0.2.9") as (proxy, stranger),
    ):
        said = []
        for number, client in enumerate((proxy, proxy, stranger, stranger)):
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            body = log_in(f"{number}@example.org")
            said.append((await client.post("/login", json=body, headers=headers)).status_code)
    assert said == [401, 401, 401, 429]


@pytest.mark.parametrize(
    ("path", "limit", "body"),
    [
        ("/password-resets", "reset", {}),
        ("/registrations", "registration", {"password": GOOD, "password_again": GOOD}),
    ],
)
async def test_who_has_an_account_is_limited_as_who_has_none(
    tmp_path, monkeypatch, path, limit, body
):
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    limits: dict[str, Any] = {
        "sign_up": "open",
        "rate_limits": True,
        f"rate_limit_{limit}": "3/hour",
    }
    async with a_world(tmp_path, **limits) as world:
        people = People(world)
        async with people.browser() as browser:
            if limit != "registration":
                await people.make(browser, ADA)
        said = []
        for number, address in enumerate((ADA, BEA)):
            async with clients(world, f"192.0.2.{number}") as (client,):
                answers = [
                    await client.post(path, json={"address": address, **body}) for _ in "1234"
                ]
            said.append([(one.status_code, one.headers.get("ratelimit")[:12]) for one in answers])
        assert said[0] == said[1]
        assert [status for status, _ in said[0]] == [202, 202, 202, 429]


async def test_ones_own_password_is_not_guessed_at(tmp_path, monkeypatch):
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    limits: dict[str, Any] = {
        "sign_up": "open",
        "rate_limits": True,
        "rate_limit_password": "3/hour",
    }
    async with a_world(tmp_path, **limits) as world:
        people = People(world)
        async with people.browser() as browser:
            await people.make(browser)
            assert (await people.log_in(browser)).status_code == 204
            change = {"current": "a guess", "password": BETTER, "password_again": BETTER}
            tries = [await browser.put("/api/v1/account/password", json=change) for _ in "12"]
            tries.append(await browser.post("/api/v1/account/deletion", json={"password": "no"}))
            assert {one.json()["code"] for one in tries} == {"bad_password"}
            right = await browser.post("/api/v1/account/deletion", json={"password": GOOD})
            assert (right.status_code, right.json()["code"]) == (429, "rate_limited")
