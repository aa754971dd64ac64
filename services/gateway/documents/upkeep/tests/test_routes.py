import pytest

from libs.common.contracts.permissions import ShareLevel
from services.gateway.accounts.users import NewUser, create_user
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder

SEEN = {"If-Match": '"0"'}


async def test_renaming(world, client):
    document = await world.hand_in()
    url = f"/documents/{document}"
    before = await client.get(url)
    assert (before.headers["etag"], before.json()["revision"]) == ('"0"', 0)
    answer = await client.patch(url, json={"title": " Шум "}, headers=SEEN)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert (answer.json()["title"], answer.json()["revision"]) == ("Шум", 1)
    stale = await client.patch(url, json={"title": "Other"}, headers=SEEN)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await client.get(url)).json()["title"] == "Шум"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"title": " "}, 422, "bad_title"),
        ({"title": "a\0b"}, 422, "bad_title"),
        ({"title": "a\u202eb"}, 422, "bad_title"),
        ({"title": "x" * 256}, 422, "bad_title"),
        ({"title": "x" * 1001}, 422, "invalid"),
        ({"title": None}, 422, "invalid"),
        ({"title": "a", "author": "b"}, 422, "invalid"),
        ({}, 422, "invalid"),
    ],
)
async def test_bad_titles(world, client, body, status, code):
    document = await world.hand_in()
    answer = await client.patch(f"/documents/{document}", json=body, headers=SEEN)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await client.get(f"/documents/{document}")).json()["title"] == "A title"


async def test_who_renames_says_what_they_saw(world, client):
    document = await world.hand_in()
    answer = await client.patch(f"/documents/{document}", json={"title": "New"})
    assert (answer.status_code, answer.json()["code"]) == (428, "revision_required")


async def test_reading_again(world, client):
    document = await world.hand_in()
    url = f"/documents/{document}/parsing"
    early = await client.post(url)
    assert (early.status_code, early.json()["code"]) == (409, "nothing_to_retry")
    await world.reject(document)
    answer = await client.post(url)
    assert (answer.status_code, answer.json()["state"]) == (202, "submitted")
    assert (answer.json()["attempt"], answer.json()["failure"]) == (2, None)
    assert answer.headers["location"] == f"/api/v1/documents/{document}"
    assert (await client.post(url)).status_code == 409


async def test_only_the_owner_does_either(world):
    document = await world.hand_in()
    await world.reject(document)
    other, token = await world.tokens.create("other")
    async with world.database.transaction() as connection:
        account = NewUser(
            user_id=other,
            address="ada@example.org",
            language="en",
            is_staff=False,
            details_key="users/x/y.json",
        )
        await create_user(connection, account)
    share = ShareOrder(
        address="ada@example.org", level=ShareLevel.CAN_SHARE, expires_at=None, message=None
    )
    await ShareCommands(world.kernel).grant(world.owner, document, share)
    async with world.client(token) as client:
        assert (await client.get(f"/documents/{document}")).status_code == 200
        renamed = await client.patch(f"/documents/{document}", json={"title": "x"}, headers=SEEN)
        retried = await client.post(f"/documents/{document}/parsing")
    assert {renamed.status_code, retried.status_code} == {403}
    assert renamed.json()["code"] == retried.json()["code"] == "forbidden"
