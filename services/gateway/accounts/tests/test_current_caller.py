import asyncio
from typing import get_type_hints
from uuid import UUID

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient
from sqlalchemy import update

from libs.common.contracts.permissions import Capability, Scope
from services.gateway.accounts import callers, current_caller
from services.gateway.accounts.current_caller import CallerId, CallerRoute, GivenToken
from services.gateway.accounts.signing_in.login_sessions import begin_session
from services.gateway.accounts.tables import sessions, users
from services.gateway.accounts.tokens import revoke_tokens
from services.gateway.features import FEATURES
from services.gateway.http.models import needs
from services.gateway.http.problems import add_handlers
from services.gateway.tests.everything import account


async def revoke_all(world):
    async with world.database.transaction() as connection:
        await revoke_tokens(connection, world.owner)


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, "Bearer"),
        ("Basic dXNlcjpwYXNz", "Bearer"),
        ("Bearer", "Bearer"),
        ("Bearer lectern_wrong", 'Bearer error="invalid_token"'),
        (f"Bearer {'x' * 1000}", 'Bearer error="invalid_token"'),
    ],
)
async def test_without_a_valid_token(client, authorization, challenge):
    client.headers.pop("Authorization")
    headers = {"Authorization": authorization} if authorization else {}
    answer = await client.get("/documents", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == challenge
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthorized"


async def test_a_revoked_token_is_good_for_seconds_at_most(world, client, monkeypatch):
    monkeypatch.setattr(callers, "KNOWN_FOR_S", 0.3)
    assert (await client.get("/documents")).status_code == 200
    await revoke_all(world)
    async with asyncio.timeout(20):
        while (answer := await client.get("/documents")).status_code == 200:
            await asyncio.sleep(0.05)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/documents", "read"),
        ("HEAD", f"/documents/{UUID(int=7)}/cover", "read"),
        ("POST", "/documents", "write"),
        ("DELETE", f"/documents/{UUID(int=7)}", "write"),
    ],
)
async def test_a_token_without_the_scope(world, client, method, path, scope):
    others = frozenset(Scope) - {Scope(scope)}
    _, token = await world.tokens.create("others", world.owner, scopes=others)
    client.headers["Authorization"] = f"Bearer {token}"
    answer = await client.request(method, path)
    assert answer.status_code == 403
    assert f'error="insufficient_scope", scope="{scope}"' in answer.headers["www-authenticate"]
    if method != "HEAD":
        assert answer.json()["code"] == "insufficient_scope"


async def test_what_was_revoked_elsewhere_makes_no_new_credentials(world, client):
    """Those would outlive the seconds for which others still know it."""
    assert (await client.get("/documents")).status_code == 200
    await revoke_all(world)
    assert (await client.get("/documents")).status_code == 200
    wanted = {"name": "for ever", "scopes": ["read"]}
    assert (await client.post("/tokens", json=wanted)).status_code == 401


async def test_what_is_for_staff_is_for_nobody_else(world):
    app = FastAPI()
    app.state.kernel = world.kernel
    add_handlers(app)
    router = APIRouter(route_class=CallerRoute)

    @router.get("/figures", openapi_extra=needs(Capability.SEE_DASHBOARDS))
    async def figures(owner: CallerId) -> str:
        return "all"

    app.include_router(router)
    _, token = await world.tokens.create("staff", scopes=frozenset({Scope.ADMIN}))
    owner = (await world.tokens.caller(token)).user_id
    headers = {"Authorization": f"Bearer {token}"}
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://test", headers=headers) as asking:
        assert (await asking.get("/figures")).json()["code"] == "forbidden"
        async with world.database.transaction() as connection:
            created = {"user_id": str(owner), "created_at": "2026-01-01T00:00:00.000000Z"}
            await connection.execute(users.insert().values(**created, is_staff=True))
        current_caller.known_callers(app).forget(owner)
        assert (await asking.get("/figures")).json() == "all"


def test_a_route_that_declares_no_capability_is_none():
    router = APIRouter(route_class=CallerRoute)
    with pytest.raises(TypeError, match="declares no capability"):
        router.get("/figures")(lambda: "all")


@pytest.mark.parametrize("authorization", [None, "Bearer lectern_wrong"])
@pytest.mark.parametrize("path", ["/documents", f"/documents/{UUID(int=7)}/narrations"])
async def test_nothing_is_read_of_who_has_no_token(client, authorization, path):
    client.headers.pop("Authorization")
    headers = {"Authorization": authorization} if authorization else {}

    async def never_ending():
        yield b'{"text": "'
        await asyncio.Event().wait()

    headers["Content-Type"] = "application/json"
    async with asyncio.timeout(20):
        answer = await client.post(path, headers=headers, content=never_ending())
    assert answer.status_code == 401


def test_every_route_for_owners_asks_for_the_token_first():
    routers = [router for feature in FEATURES for router in (*feature.api, *feature.pages)]
    routes = [route for router in routers for route in router.routes]
    asking = [route for route in routes if isinstance(route, APIRoute) and is_for_owners(route)]
    assert asking
    assert all(isinstance(route, CallerRoute) for route in asking)


def is_for_owners(route):
    return CallerId in get_type_hints(route.endpoint, include_extras=True).values()


async def test_credentials_are_valid_until_they_end(world):
    await account(world, world.owner, "ada@example.org")
    async with world.database.transaction() as connection:
        session = await begin_session(connection, world.owner, "Mosaic", remembered=False)
    token = GivenToken(database=world.database, secret=world.token, is_session=False)
    cookie = GivenToken(database=world.database, secret=session.secret, is_session=True)
    assert (await token.is_valid(), await cookie.is_valid()) == (True, True)
    await revoke_all(world)
    assert (await token.is_valid(), await cookie.is_valid()) == (False, True)
    async with world.database.transaction() as connection:
        await connection.execute(update(sessions).values(expires_at="2026-01-01T00:00:00.000000Z"))
    assert not await cookie.is_valid()
