import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from libs.common.runtime.http_server import HttpServer
from libs.common.runtime.safe_headers import SAFE, SafeHeaders, as_raw


async def page(request):
    return PlainTextResponse("x", headers={"Cache-Control": "private"})


async def broken(request):
    raise ValueError("what nobody foresaw")


APP = Starlette(routes=[Route("/", page), Route("/broken", broken)])


async def ask(path, base="http://x", **options):
    transport = httpx.ASGITransport(app=SafeHeaders(APP, **options), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        return await client.get(path)


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/nothing", 404), ("/broken", 500)])
async def test_every_answer_has_them(path, status):
    answer = await ask(path)
    assert answer.status_code == status
    for name, value in SAFE.items():
        expected = "private" if (path, name) == ("/", "Cache-Control") else value
        assert answer.headers.get_list(name) == [expected]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_tls_is_demanded_only_of_those_who_have_it():
    assert "strict-transport-security" not in (await ask("/")).headers
    assert "max-age" in (await ask("/", base="https://x")).headers["strict-transport-security"]
    assert "max-age" in (await ask("/", always_tls=True)).headers["strict-transport-security"]


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nx\r\n\r\n"])
async def test_what_is_no_http_is_answered_with_them_as_well(sent):
    server = HttpServer(APP, "127.0.0.1", 0)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        answer = await reader.read()
        writer.close()
    finally:
        await server.stop(0.1)
    assert answer.startswith(b"HTTP/1.1 400 ")
    for name, value in as_raw():
        assert b"%s: %s" % (name, value) in answer.lower().replace(value.lower(), value)
