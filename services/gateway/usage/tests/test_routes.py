import asyncio

import pytest

from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world
from services.gateway.usage.tests.using import document_of, usage

pytestmark = pytest.mark.slow


async def test_documents_orders_and_bytes_are_shown_as_they_are_refused(tmp_path, database_url):
    most = {"max_documents_per_owner": 2, "max_stored_bytes_per_owner": 40}
    async with a_world(tmp_path, database_url, **most) as world, world.client() as client:
        first = await client.post("/documents", json={"text": "a" * 30})
        assert first.status_code == 202
        told = await usage(world)
        assert told["documents"] == {"used": 1, "limit": 2}
        assert told["stored_bytes"] == {"used": 30, "limit": 40}
        refused = await client.post("/documents", json={"text": "a" * 11})
        assert (refused.status_code, refused.json()["code"]) == (409, "quota_exceeded")
        assert "40 for each owner" in refused.json()["detail"]
        await world.work()
        assert len([key async for key in world.storage.keys("documents/")]) == 2
        second = await client.post("/documents", json={"url": "https://example.org/book"})
        assert second.status_code == 202
        refused = await client.post("/documents", json={"text": "a"})
        assert "this site allows 2" in refused.json()["detail"]
        gone = await client.delete(f"/documents/{first.json()['document_id']}")
        assert gone.status_code == 204
        told = await usage(world)
        assert (told["documents"]["used"], told["stored_bytes"]["used"]) == (1, 0)
        assert (await client.post("/documents", json={"text": "a" * 40})).status_code == 202


async def test_what_has_no_room_is_refused_before_it_is_read(tmp_path, database_url):
    async with (
        a_world(tmp_path, database_url, max_stored_bytes_per_owner=1000) as world,
        world.client() as client,
    ):
        asked = 0

        async def body():
            nonlocal asked
            asked += 1
            yield b"a"

        headers = {"Content-Type": "application/octet-stream", "Content-Length": "2000000"}
        refused = await client.post("/documents", content=body(), headers=headers)
        assert (refused.status_code, refused.json()["code"], asked) == (409, "quota_exceeded", 0)


async def test_of_two_that_are_handed_in_at_once_one_has_room(tmp_path, database_url):
    async with a_world(tmp_path, database_url, max_documents_per_owner=1) as world:
        async with world.client() as client:
            answers = await asyncio.gather(
                *(client.post("/documents", json={"text": "some"}) for _ in range(4))
            )
        assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
        assert (await usage(world))["documents"]["used"] == 1


async def test_one_may_have_so_many_orders_open(tmp_path, database_url):
    async with a_world(tmp_path, database_url, max_open_narrations_per_owner=2) as world:
        await world.take(VOICES)
        for _ in range(2):
            document = await document_of(world, 7)
            await world.narrations.narrate(world.owner, document, NarrationOptions())
        assert (await usage(world))["open_narrations"] == {"used": 2, "limit": 2}
        document = await document_of(world, 7)
        async with world.client() as client:
            refused = await client.post(f"/documents/{document}/narrations", json={})
            with_it = await client.post("/documents", json={"text": "a", "narrate": {}})
        for answer in (refused, with_it):
            assert (answer.status_code, answer.json()["code"]) == (409, "quota_exceeded")
        await world.speak_everything()
        assert (await usage(world))["open_narrations"]["used"] == 0
