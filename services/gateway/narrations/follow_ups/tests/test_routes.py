from uuid import UUID

import pytest

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.permissions import ShareLevel
from services.gateway.accounts.users import NewUser, create_user
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder


@pytest.fixture
async def document(world):
    document = await world.hand_in()
    await world.read(document, 2)
    return document


async def somebody(world, document, level):
    """The client of somebody whom the document is shared with."""
    user, token = await world.tokens.create(level)
    async with world.database.transaction() as connection:
        account = NewUser(
            user_id=user,
            address=f"{level}@example.org",
            language="en",
            is_staff=False,
            details_key=f"users/{level}/y.json",
        )
        await create_user(connection, account)
    share = ShareOrder(address=f"{level}@example.org", level=level, expires_at=None, message=None)
    await ShareCommands(world.kernel).grant(world.owner, document, share)
    return world.client(token)


async def test_stopping(client, document):
    asked = (await client.post(f"/documents/{document}/narrations", json={})).json()
    url = f"/narrations/{asked['narration_id']}/cancel"
    answer = await client.post(url)
    assert (answer.status_code, answer.json()["state"]) == (200, "canceled")
    again = await client.post(url)
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")


async def test_who_asked_may_stop_it_and_the_owner(world, client, document):
    collaborator = await somebody(world, document, ShareLevel.COLLABORATOR)
    viewer = await somebody(world, document, ShareLevel.VIEW_ONLY)
    url = f"/documents/{document}/narrations"
    async with collaborator, viewer:
        theirs = (await collaborator.post(url, json={"pages": "1"})).json()["narration_id"]
        owners = (await client.post(url, json={"pages": "2"})).json()["narration_id"]
        forbidden = [
            await viewer.post(f"/narrations/{theirs}/cancel"),
            await collaborator.post(f"/narrations/{owners}/cancel"),
        ]
        assert {answer.status_code for answer in forbidden} == {403}
        assert (await collaborator.post(f"/narrations/{theirs}/cancel")).status_code == 200
    assert (await client.post(f"/narrations/{owners}/cancel")).status_code == 200


async def test_trying_again(world, client, document):
    await client.post(f"/documents/{document}/narrations", json={"pages": "1"})
    (asked,) = await world.decided(AudioRequested)
    url = f"/audios/{asked.audio_id}/retry"
    early = await client.post(url)
    assert (early.status_code, early.json()["code"]) == (409, "nothing_to_retry")
    await world.fail(asked)
    viewer = await somebody(world, document, ShareLevel.VIEW_ONLY)
    async with viewer:
        assert (await viewer.post(url)).status_code == 403
    answer = await client.post(url)
    assert (answer.status_code, answer.json()["pages"]) == (202, "1")
    assert answer.headers["location"].endswith(answer.json()["narration_id"])
    assert UUID(answer.json()["narration_id"])
    assert len(await world.decided(AudioRequested)) == 2
