"""Sharing by the API: who sees what, and what nobody learns."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from services.gateway.accounts.users import NewUser, create_user
from services.gateway.sharing.addressees import addresses_of

SHARES = "/documents/{}/shares"
IN_A_WEEK = (datetime.now(UTC) + timedelta(days=7)).isoformat()


async def somebody(world, address):
    """Make an account, and return its id and a token."""
    user_id = uuid4()
    async with world.database.transaction() as connection:
        new = NewUser(
            user_id=user_id, address=address, language="en", is_staff=False, details_key="k"
        )
        await create_user(connection, new)
    _, token = await world.tokens.create(address, user_id)
    return user_id, token


@asynccontextmanager
async def signed_in(world, token):
    async with world.client() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def share(client, document, address, level="view_only", **more):
    given = {"address": address, "level": level, **more}
    answer = await client.post(SHARES.format(document), json=given)
    return answer


async def test_a_share_lets_somebody_see_and_no_more(world, client):
    document = await world.hand_in()
    _, token = await somebody(world, "bea@example.org")
    async with signed_in(world, token) as bea:
        assert (await bea.get(f"/documents/{document}")).status_code == 404
        answer = await share(client, document, "Bea@Example.org", message="Read this.")
        assert answer.status_code == 201, answer.text
        assert (await bea.get(f"/documents/{document}")).status_code == 200
        assert (await bea.delete(f"/documents/{document}")).status_code == 403
        assert (await bea.get(SHARES.format(document))).status_code == 403
        assert (await bea.get("/documents")).json()["items"] == []
        told = answer.json()
        assert (told["address"], told["level"], told["mine"]) == (
            "Bea@Example.org",
            "view_only",
            True,
        )
        assert (await client.delete(answer.headers["location"].removeprefix("/api/v1"))).is_success
        assert (await bea.get(f"/documents/{document}")).status_code == 404


async def test_nobody_learns_who_has_an_account(world, client):
    document = await world.hand_in()
    await somebody(world, "bea@example.org")
    answers = [
        (await share(client, document, address)).json()
        for address in ("bea@example.org", "cal@example.org")
    ]
    differing = {"share_id", "address", "granted_at"}
    assert [{k: v for k, v in one.items() if k not in differing} for one in answers] == [
        {"level": "view_only", "message": None, "expires_at": None, "expired": False, "mine": True}
    ] * 2


async def test_a_share_is_changed_and_ends_when_it_is_to(world, client):
    document = await world.hand_in()
    _, token = await somebody(world, "bea@example.org")
    made = (await share(client, document, "bea@example.org", expires_at=IN_A_WEEK)).json()
    path = f"{SHARES.format(document)}/{made['share_id']}"
    changed = await client.patch(path, json={"level": "can_share", "expires_at": None})
    assert (changed.json()["level"], changed.json()["expires_at"]) == ("can_share", None)
    soon = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    assert (await client.patch(path, json={"level": "can_share", "expires_at": soon})).is_success
    async with signed_in(world, token) as bea:
        assert (await bea.get(SHARES.format(document))).is_success
        await asyncio.sleep(0.35)
        assert (await bea.get(f"/documents/{document}")).status_code == 404
    assert (await client.get(path)).json()["expired"]


async def test_who_may_share_gives_no_more_than_they_have_and_touches_nothing_of_others(
    world, client
):
    document = await world.hand_in()
    _, token = await somebody(world, "bea@example.org")
    await share(client, document, "bea@example.org", "can_share", expires_at=IN_A_WEEK)
    others = (await share(client, document, "cal@example.org")).json()["share_id"]
    async with signed_in(world, token) as bea:
        granted = await share(bea, document, "dan@example.org", "can_share")
        assert granted.status_code == 201
        assert granted.json()["expires_at"] is not None
        for refused in (
            await share(bea, document, "cal@example.org", "can_share"),
            await share(bea, document, "eve@example.org", expires_at="2999-01-01T00:00:00Z"),
        ):
            assert refused.status_code in (409, 422)
        path = f"{SHARES.format(document)}/{others}"
        assert (await bea.delete(path)).status_code == 403
        assert (await bea.patch(path, json={"level": "can_share"})).status_code == 403
        assert (await bea.delete(f"/shared/{document}")).status_code == 204
        assert (await bea.get(f"/documents/{document}")).status_code == 404
        assert (await bea.delete(f"/shared/{document}")).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
async def test_to_strangers_there_are_no_shares(world, client, method):
    document = await world.hand_in()
    _, token = await somebody(world, "bea@example.org")
    async with signed_in(world, token) as bea:
        for path in (SHARES.format(document), SHARES.format(uuid4())):
            more = {"json": {"address": "x@example.org"}} if method == "post" else {}
            answer = await bea.request(method, path, **more)
            assert answer.status_code == 404


async def test_of_two_who_change_a_share_at_the_same_time_one_is_told(world, client):
    """On PostgreSQL; SQLite lets one after the other write."""
    document = await world.hand_in()
    made = (await share(client, document, "bea@example.org")).json()
    path = f"{SHARES.format(document)}/{made['share_id']}"
    answers: list[httpx.Response] = await asyncio.gather(
        *(client.patch(path, json={"level": level}) for level in ("can_share", "collaborator"))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)


async def test_whom_a_document_was_shared_with_is_forgotten_with_it(world, client):
    document = await world.hand_in()
    await share(client, document, "bea@example.org", message="Read this.")
    async with world.database.reading() as connection:
        assert await addresses_of(connection, document) == {"bea@example.org"}
    assert (await client.delete(f"/documents/{document}")).is_success
    async with world.database.reading() as connection:
        assert await addresses_of(connection, document) == frozenset()


async def test_what_others_share_is_listed_apart_and_page_by_page(world, client):
    documents = [await world.hand_in() for _ in range(3)]
    _, token = await somebody(world, "bea@example.org")
    ended = (await share(client, documents[0], "bea@example.org")).json()["share_id"]
    await share(client, documents[1], "bea@example.org", "can_share")
    await share(client, documents[2], "bea@example.org", expires_at=IN_A_WEEK)
    await client.delete(f"{SHARES.format(documents[0])}/{ended}")
    async with signed_in(world, token) as bea:
        first = (await bea.get("/shared", params={"limit": 1})).json()
        second = (await bea.get("/shared", params={"limit": 1, "cursor": first["next"]})).json()
        assert second["next"] is None
        found = [*first["items"], *second["items"]]
        assert [(one["document_id"], one["level"]) for one in found] == [
            (str(documents[2]), "view_only"),
            (str(documents[1]), "can_share"),
        ]
        await client.delete(f"/documents/{documents[1]}")
        left = (await bea.get("/shared")).json()["items"]
        assert [one["document_id"] for one in left] == [str(documents[2])]
    assert (await client.get("/shared")).json()["items"] == []


async def test_who_has_not_seen_the_last_change_changes_nothing(world, client):
    document = await world.hand_in()
    made = await share(client, document, "bea@example.org")
    path = made.headers["location"].removeprefix("/api/v1")
    seen = (await client.get(path)).headers["etag"]
    assert seen == made.headers["etag"]
    other = await share(client, document, "ada@example.org")  # all shares have one version
    stale = {"If-Match": seen}
    for answer in (
        await client.patch(path, json={"level": "can_share"}, headers=stale),
        await client.delete(path, headers=stale),
    ):
        assert (answer.status_code, answer.json()["code"]) == (412, "stale")
    now = {"If-Match": other.headers["etag"]}
    changed = await client.patch(path, json={"level": "can_share"}, headers=now)
    assert (changed.status_code, changed.json()["level"]) == (200, "can_share")
    assert changed.headers["etag"] not in {seen, other.headers["etag"]}
    assert (await client.delete(path, headers=now)).status_code == 412
    again = {"If-Match": changed.headers["etag"]}
    assert (await client.delete(path, headers=again)).status_code == 204


async def test_of_two_who_saw_the_same_one_changes_it(world, client):
    document = await world.hand_in()
    made = await share(client, document, "bea@example.org")
    path, seen = made.headers["location"].removeprefix("/api/v1"), made.headers["etag"]
    answers = await asyncio.gather(
        *(
            client.patch(path, json={"level": level}, headers={"If-Match": seen})
            for level in ("can_share", "collaborator")
        )
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 412])


@pytest.mark.parametrize("condition", ["*", None])
async def test_without_a_condition_the_last_one_wins(world, client, condition):
    document = await world.hand_in()
    made = await share(client, document, "bea@example.org")
    headers = {} if condition is None else {"If-Match": condition}
    path = made.headers["location"].removeprefix("/api/v1")
    for level in ("can_share", "collaborator"):
        answer = await client.patch(path, json={"level": level}, headers=headers)
        assert answer.status_code == 200
    assert (await client.delete(f"{path[:-4]}0000", headers=headers)).status_code == 404
    assert (await client.delete(f"{path[:-4]}0000", headers={"If-Match": "no"})).status_code == 404


async def test_what_is_shared_says_who_shared_it(world, client):
    document, another = await world.hand_in(), await world.hand_in()
    _, ada_token = await somebody(world, "Ada@example.org")
    await share(client, document, "ada@example.org", "can_share")
    await share(client, another, "ada@example.org")
    _, token = await somebody(world, "bea@example.org")
    async with signed_in(world, ada_token) as by_ada:
        given = {"address": "bea@example.org", "level": "collaborator"}
        assert (await by_ada.post(SHARES.format(document), json=given)).status_code == 201
        listed = (await by_ada.get("/shared")).json()["items"]
        assert {one["shared_by"] for one in listed} == {None}, "the owner has but a token"
    async with signed_in(world, token) as bea:
        [one] = (await bea.get("/shared")).json()["items"]
        assert (one["shared_by"], one["level"]) == ("Ada@example.org", "collaborator")
