import asyncio
import json
import re
from uuid import uuid4

import pytest

from libs.common.observability.metrics_page import MeasuredRequests
from libs.common.runtime.http_server import HttpServer

METHODS = {"get", "post", "put", "patch", "delete"}


async def declared(client):
    """Every path, and its methods."""
    for path, operations in (await client.get("/openapi.json")).json()["paths"].items():
        yield path.removeprefix("/api/v1"), {name.upper() for name in operations if name in METHODS}


def filled(path, document):
    """An address of that path; only the document is there."""
    known = path.replace("{page}", "1").replace("{document_id}", str(document))
    return re.sub(r"\{\w+\}", str(uuid4()), known)


@pytest.mark.slow
async def test_allow_is_the_union_of_the_methods_of_a_path(world, client):
    document = await world.hand_in()
    walked = 0
    async for path, methods in declared(client):
        whole = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        url = filled(path, document)
        answer = await client.options(url)
        assert (answer.status_code, answer.content) == (204, b""), path
        assert answer.headers["allow"] == ", ".join(sorted(whole)), path
        wrong = await client.request("TRACE", url)
        assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
        assert wrong.headers["allow"] == answer.headers["allow"]
        walked += 1
    assert walked > 15
    assert (await client.options("/nothing")).status_code == 404


async def test_head_is_get_without_the_body(world, client):
    document = await world.hand_in()
    for path in ("/documents", f"/documents/{document}", "/voices", "/openapi.json", "/nothing"):
        whole, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        expected, found = dict(whole.headers), dict(head.headers)
        assert expected.pop("x-request-id") != found.pop("x-request-id")
        if path != "/nothing":  # its problem names the request
            assert found == expected, path


async def test_head_needs_the_same_rights(world, client):
    document = await world.hand_in()
    _, token = await world.tokens.create("stranger")
    async with world.client(token) as stranger:
        for path in (f"/documents/{document}", f"/documents/{document}/events"):
            assert (await stranger.head(path)).status_code == 404
    client.headers.pop("Authorization")
    assert (await client.head("/documents")).status_code == 401


async def test_a_stream_is_not_begun_for_head(world, client):
    document = await world.hand_in()
    async with asyncio.timeout(10):
        answer = await client.head(f"/documents/{document}/events")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"


async def test_a_connection_goes_on_after_head(world, client):
    server = HttpServer(world.app, "127.0.0.1", 0)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for method in ("HEAD", "GET"):
            lines = (
                f"{method} /api/v1/documents HTTP/1.1",
                "Host: x",
                f"Authorization: Bearer {world.token}",
            )
            writer.write("\r\n".join((*lines, "", "")).encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert "200 ok" in head
            length = int(head.partition("content-length: ")[2].partition("\r")[0])
        assert json.loads(await reader.readexactly(length)) == {"items": [], "next": None}
        writer.close()
    finally:
        await server.stop(0.1)


async def test_it_is_counted_by_its_route_and_as_head(world):
    metrics = world.assembly.parts.metrics
    async with world.client(app=MeasuredRequests(world.app, metrics)) as client:
        await client.head("/documents")
    labels = {"route": "/api/v1/documents", "method": "HEAD", "status": "200", "service": "gateway"}
    assert metrics.registry.get_sample_value("http_requests_total", labels) == 1
