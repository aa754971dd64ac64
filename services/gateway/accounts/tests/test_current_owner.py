import asyncio
from typing import get_type_hints
from uuid import UUID

import pytest
from fastapi.routing import APIRoute

from services.gateway.accounts.current_owner import CurrentOwner, OwnedRoute
from services.gateway.features import FEATURES


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


async def test_a_revoked_token(world, client):
    assert (await client.get("/documents")).status_code == 200
    await world.tokens.revoke("tester")
    assert (await client.get("/documents")).status_code == 401


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
    assert all(isinstance(route, OwnedRoute) for route in asking)


def is_for_owners(route):
    return CurrentOwner in get_type_hints(route.endpoint, include_extras=True).values()
