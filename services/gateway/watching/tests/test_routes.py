import asyncio
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import httpx
import pytest

from libs.common.runtime.http_server import HttpServer
from services.gateway.accounts.tokens import Tokens
from services.gateway.tests.world import a_world
from services.gateway.watching import routes
from services.gateway.watching.stream import StreamPace


@asynccontextmanager
async def streaming(world, document, token=None):
    """The answer of a stream, over a real connection."""
    server = HttpServer(world.app, "127.0.0.1", 0)
    await server.start()
    headers = {"Authorization": f"Bearer {token or world.token}"}
    base = f"http://127.0.0.1:{server.port}/api/v1"
    try:
        async with (
            httpx.AsyncClient(base_url=base, headers=headers) as client,
            client.stream("GET", f"/documents/{document}/events") as answer,
        ):
            yield answer
    finally:
        await server.stop(0.1)


async def test_a_document_that_is_not_there_is_not_watched(client):
    answer = await client.get(f"/documents/{uuid4()}/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.slow
async def test_the_events_are_declared(client):
    declared = (await client.get("/openapi.json")).json()["paths"]
    operation = declared["/api/v1/documents/{document_id}/events"]["get"]
    assert "``snapshot``" in operation["description"]


@pytest.mark.slow
async def test_a_stream_of_a_revoked_token_ends(world, monkeypatch):
    monkeypatch.setattr(routes, "StreamPace", partial(StreamPace, check_s=0.05, pause_s=0.0))
    document = await world.hand_in()
    async with streaming(world, document) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: snapshot"
        [token] = await Tokens(world.database).of_owner(world.owner)
        await Tokens(world.database).revoke(token.token_id)
        async with asyncio.timeout(10):
            assert [line async for line in lines if line.startswith("event")] == []


@pytest.mark.slow
async def test_one_owner_may_watch_so_many_documents(tmp_path):
    async with a_world(tmp_path, max_streams_per_owner=1) as world:
        document = await world.hand_in()
        async with streaming(world, document) as first:
            assert first.status_code == 200
            async with streaming(world, document) as second:
                assert second.status_code == 429
                assert second.headers["retry-after"] == "30"
