import asyncio
import json
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update

from libs.common.runtime.http_server import HttpServer
from services.gateway.accounts.tables import tokens
from services.gateway.accounts.tokens import Tokens
from services.gateway.tests.world import a_world
from services.gateway.watching import routes
from services.gateway.watching.stream import StreamPace

LONG_AGO = "2026-01-01T00:00:00.000000Z"


@asynccontextmanager
async def streaming(world, path, token=None, **more):
    """The answer of a stream, over a real connection."""
    server = HttpServer(world.app, "127.0.0.1", 0)
    await server.start()
    headers = {"Authorization": f"Bearer {token or world.token}", **more}
    base = f"http://127.0.0.1:{server.port}/api/v1"
    try:
        async with (
            httpx.AsyncClient(base_url=base, headers=headers) as client,
            client.stream("GET", path) as answer,
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
@pytest.mark.parametrize(
    ("path", "first"), [("/documents/{}/events", "snapshot"), ("/events", "ready")]
)
async def test_a_stream_of_a_revoked_token_ends(world, monkeypatch, path, first):
    monkeypatch.setattr(routes, "StreamPace", partial(StreamPace, check_s=0.05, pause_s=0.0))
    document = await world.hand_in()
    async with streaming(world, path.format(document)) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == f"event: {first}"
        async with world.database.transaction() as connection:
            await connection.execute(update(tokens).values(last_used_at=LONG_AGO))
        await asyncio.sleep(0.2)
        [token] = await Tokens(world.database).of_owner(world.owner)
        assert token.last_used_at == LONG_AGO, "a look is no use of it"
        await Tokens(world.database).revoke(token.token_id)
        async with asyncio.timeout(10):
            assert [line async for line in lines if line.startswith("event")] == []


@pytest.mark.slow
async def test_one_owner_may_watch_so_many_documents(tmp_path):
    async with a_world(tmp_path, max_streams_per_owner=1) as world:
        document = await world.hand_in()
        paths = (f"/documents/{document}/events", "/events")
        for open_one in paths:
            async with streaming(world, open_one) as first:
                assert first.status_code == 200
                for another in paths:
                    async with streaming(world, another) as second:
                        assert second.status_code == 429
                        assert second.headers["retry-after"] == "30"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "first"), [("/documents/{}/events", "snapshot"), ("/events", "ready")]
)
async def test_who_comes_back_begins_anew(world, path, first):
    """Events have no ids, so there is none to go on behind."""
    document = await world.hand_in()
    for headers in ({}, {"Last-Event-ID": "7"}):
        async with streaming(world, path.format(document), **headers) as answer:
            lines = answer.aiter_lines()
            event = [line async for line in until_empty(lines)]
            assert [line.partition(":")[0] for line in event] == ["event", "data"]
            assert event[0] == f"event: {first}"


async def until_empty(lines):
    async for line in lines:
        if not line:
            return
        yield line


@pytest.mark.slow
async def test_all_documents_are_watched_over_a_real_connection(world):
    async with streaming(world, "/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: ready"
        document = await world.hand_in()
        async with asyncio.timeout(10):
            found = [line async for line in until_second_event(lines)]
        assert found == ["snapshot", str(document)]
    async with asyncio.timeout(10):
        while world.kernel.changes.watchers:
            await asyncio.sleep(0.01)


async def until_second_event(lines):
    """Its kind, and the document that it is about."""
    async for line in lines:
        if line.startswith("event: "):
            yield line.removeprefix("event: ")
            yield json.loads((await anext(lines)).removeprefix("data: "))["document_id"]
            return


async def test_nothing_is_begun_for_head(world, client):
    async with asyncio.timeout(10):
        answer = await client.head("/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert world.kernel.changes.watchers == 0
