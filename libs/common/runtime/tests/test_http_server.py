import asyncio
import signal
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from libs.common.runtime.descriptors import RESERVED
from libs.common.runtime.http_server import BACKLOG, CannotListen, HttpServer


async def page(request):
    return PlainTextResponse("hello")


async def endless(request):
    async def forever() -> AsyncIterator[bytes]:
        while True:
            yield b"tick\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(forever())


APP = Starlette(routes=[Route("/", page), Route("/endless", endless)])


@pytest.fixture
async def server():
    started = HttpServer(APP, "127.0.0.1", 0)
    await started.start()
    yield started
    await started.stop(1)


@pytest.mark.slow
async def test_it_answers_on_the_port_it_names(server):
    assert server.port > 0
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/")
    assert answer.text == "hello"
    assert "server" not in answer.headers


@pytest.mark.slow
async def test_connections_are_kept_for_longer_than_clients_keep_them(server):
    """A request that is sent just when the server closes is lost, and a POST is not sent again."""
    clients_s = 5.0  # httpx; load balancers have 60
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for pause_s in (clients_s + 0.5, 0.0):
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(5) == b"hello"
        await asyncio.sleep(pause_s)
    writer.close()


@pytest.mark.slow
async def test_two_run_in_one_loop(server):
    other = HttpServer(APP, "127.0.0.1", 0)
    await other.start()
    assert other.port != server.port
    await other.stop()


@pytest.mark.slow
async def test_a_taken_port_is_named(server):
    with pytest.raises(CannotListen, match=f"port {server.port} of 127.0.0.1: something else"):
        await HttpServer(APP, "127.0.0.1", server.port).start()


async def test_an_address_of_another_machine_is_refused():
    with pytest.raises(CannotListen, match="no such address"):
        await HttpServer(APP, "192.0.2.1", 0).start()


@pytest.mark.slow
async def test_after_stop_the_port_is_free():
    first = HttpServer(APP, "127.0.0.1", 0)
    await first.start()
    await first.stop()
    second = HttpServer(APP, "127.0.0.1", first.port)
    await second.start()
    await second.stop()


@pytest.mark.slow
async def test_a_request_under_way_is_cut_off_after_the_timeout():
    server = HttpServer(APP, "127.0.0.1", 0)
    await server.start()
    async with (
        httpx.AsyncClient() as http,
        http.stream("GET", f"http://127.0.0.1:{server.port}/endless") as answer,
    ):
        ticks = answer.aiter_bytes()
        assert await anext(ticks)
        await asyncio.wait_for(server.stop(0.1), 10)


@pytest.mark.slow
async def test_signals_stay_with_the_service():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    server = HttpServer(APP, "127.0.0.1", 0)
    await server.start()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    await server.stop()


async def test_stopping_what_never_started_is_fine():
    await HttpServer(APP, "127.0.0.1", 0).stop()


def test_connections_that_come_at_once_fit_into_the_descriptors_that_are_kept_free():
    """asyncio accepts as many as may wait, before any of them is counted."""
    server = HttpServer(Starlette(), "127.0.0.1", 0)
    assert server._server.config.backlog == BACKLOG <= RESERVED / 2
