import pytest


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
