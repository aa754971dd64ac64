"""Clients that take their time, over real sockets; the deadlines are short here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import perf_counter

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from uvicorn.server import ServerState

from libs.common.runtime.http_connection import (
    MOST_READ_BYTES,
    BoundedConnection,
    ConnectionLimit,
    HttpLimits,
)
from libs.common.runtime.http_server import HttpServer

HANG_S = 10.0
QUICK = HttpLimits(head_s=0.2, body_interval_s=0.2, body_bytes_per_s=1000, stalled_s=0.3)
SLOW_READER_S = 0.7

PAGE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST_PAGE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HEAD = b"POST %s HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
TINY = b"1\r\n \r\n"


class Application:
    """Notes how reading a body ended."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read(self, request):
        try:
            body = await request.body()
        except ClientDisconnect:
            self.ended.set_result("disconnected")
            raise
        self.ended.set_result(f"{len(body)} bytes")
        return PlainTextResponse("read")

    async def read_late(self, request):
        await asyncio.sleep(SLOW_READER_S)
        return await self.read(request)

    async def flood(self, request):
        async def blocks() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield bytes(1 << 16)
                    await asyncio.sleep(0)  # as one that reads a file does
            finally:
                self.ended.set_result("cut off")

        return StreamingResponse(blocks())

    def routes(self):
        async def page(request):
            return PlainTextResponse("hello")

        return [
            Route("/", page),
            Route("/read", self.read, methods=["POST"]),
            Route("/late", self.read_late, methods=["POST"]),
            Route("/unread", page, methods=["POST"]),
            Route("/flood", self.flood),
        ]


class Clients:
    """Connections to one server, closed at the end."""

    def __init__(self, port) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.append(writer)
        return reader, writer

    async def close(self):
        for writer in self._writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def serving(limits=QUICK):
    application = Application()
    server = HttpServer(Starlette(routes=application.routes()), "127.0.0.1", 0, limits=limits)
    await server.start()
    clients = Clients(server.port)
    try:
        yield clients, application
    finally:
        await clients.close()
        await server.stop(0.1)


async def closed(reader):
    """All that comes until the server closes."""
    try:
        async with asyncio.timeout(HANG_S):
            return await reader.read()
    except ConnectionResetError:
        return b""


async def get(clients):
    reader, writer = await clients.connect()
    writer.write(LAST_PAGE)
    return await closed(reader)


async def drip(writer, data, every_s=0.02):
    """Send ``data`` byte by byte, until the server has had enough."""
    try:
        for position in range(len(data)):
            writer.write(data[position : position + 1])
            await writer.drain()
            await asyncio.sleep(every_s)
    except OSError:
        return


@pytest.mark.slow
@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_request_that_does_not_come_whole_is_not_waited_for(begun):
    async with serving() as (clients, _):
        reader, writer = await clients.connect()
        writer.write(begun)
        assert await closed(reader) == b""


@pytest.mark.slow
async def test_a_head_that_comes_byte_by_byte_is_not_waited_for():
    async with serving() as (clients, _):
        reader, writer = await clients.connect()
        dripping = asyncio.create_task(drip(writer, b"GET / HTTP/1.1\r\nX: " + b"x" * 5000))
        assert await closed(reader) == b""
        dripping.cancel()


@pytest.mark.slow
async def test_so_is_the_second_one_of_a_connection():
    async with serving() as (clients, _):
        reader, writer = await clients.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        dripping = asyncio.create_task(drip(writer, b"GET / HTTP/1.1\r\nX: " + b"x" * 5000))
        assert await closed(reader) == b""
        dripping.cancel()


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"x" * 50])
async def test_a_body_that_does_not_come_is_not_waited_for(sent):
    async with serving() as (clients, application):
        reader, writer = await clients.connect()
        writer.write(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        dripping = asyncio.create_task(drip(writer, sent))
        assert await asyncio.wait_for(application.ended, HANG_S) == "disconnected"
        await closed(reader)
        dripping.cancel()


@pytest.mark.slow
async def test_a_body_that_comes_steadily_may_take_long():
    async with serving() as (clients, application):
        reader, writer = await clients.connect()
        writer.write(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n")
        for _ in range(20):
            writer.write(bytes(1000))
            await asyncio.sleep(0.05)
        assert await asyncio.wait_for(application.ended, HANG_S) == "20000 bytes"
        assert b"200 OK" in await reader.readline()


@pytest.mark.slow
async def test_a_client_is_not_blamed_for_what_we_do_not_read():
    async with serving() as (clients, application):
        _, writer = await clients.connect()
        size = 4_000_000
        writer.write(b"POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        writer.write(bytes(size))
        assert await asyncio.wait_for(application.ended, HANG_S) == f"{size} bytes"


@pytest.mark.slow
async def test_a_client_that_reads_nothing_is_cut_off():
    async with serving() as (clients, application):
        _, writer = await clients.connect()
        writer.write(b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await asyncio.wait_for(application.ended, HANG_S) == "cut off"


@pytest.mark.slow
@pytest.mark.parametrize("path", [b"/read", b"/nothing"])
async def test_a_body_of_tiny_chunks_holds_nobody_up(path):
    """Whether or not anybody reads it; what holds the loop fails the test by itself."""
    count = (1 << 19) // len(TINY)
    async with serving(HttpLimits()) as (clients, application):
        reader, writer = await clients.connect()
        writer.write(HEAD % path + CHUNKED + TINY * count + b"0\r\n\r\n" + LAST_PAGE)
        answer = await closed(reader)
        assert answer.endswith(b"hello")
        if path == b"/read":
            assert await asyncio.wait_for(application.ended, HANG_S) == f"{count} bytes"
        else:
            assert answer.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("trailers", [False, True])
@pytest.mark.parametrize("bytes_of_them", [12_000, 240_000])
async def test_tiny_headers_hold_nobody_up(trailers, bytes_of_them):
    """A head is refused when too much of it has come, also if the rest is in the socket already."""
    many = b"a:\r\n" * (bytes_of_them // 4)
    if trailers:
        sent = HEAD % b"/read" + CHUNKED + b"0\r\n" + many + b"\r\n" + LAST_PAGE
    else:
        sent = LAST_PAGE.removesuffix(b"\r\n") + many + b"\r\n"
    async with serving(HttpLimits()) as (clients, _):
        reader, writer = await clients.connect()
        writer.write(sent)
        answer = await closed(reader)
    if bytes_of_them > MOST_READ_BYTES:
        assert not answer or answer.startswith(b"HTTP/1.1 400")
    else:
        assert answer.endswith(b"hello")


@pytest.mark.slow
async def test_requests_that_come_at_once_hold_nobody_up():
    """One after the other is answered, and what has not been read waits in the socket."""
    count = 1000
    async with serving(HttpLimits()) as (clients, _):
        reader, writer = await clients.connect()
        writer.write(PAGE * count + LAST_PAGE)
        assert (await closed(reader)).count(b"200 OK") == count + 1


async def test_a_transport_that_reads_in_its_own_way_is_left_as_it_is():
    class Pipe(asyncio.Transport):
        """Cannot be told how much to read."""

        __slots__ = ()

    limit = ConnectionLimit(limits=HttpLimits())
    connection = BoundedConnection(uvicorn.Config(Starlette()), ServerState(), {}, limit=limit)
    connection.connection_made(Pipe())
    connection.connection_lost(ValueError())


@pytest.mark.slow
async def test_clients_that_do_nothing_take_no_place_from_others():
    async with serving(HttpLimits(max_connections=3)) as (clients, _):
        idle = [await clients.connect() for _ in range(6)]
        assert b"hello" in await get(clients)
        gone = await asyncio.wait_for(idle[0][0].read(), HANG_S)
        assert gone == b""


@pytest.mark.slow
async def test_the_second_request_of_a_connection_is_as_quick_as_the_first():
    """Without TCP_NODELAY each but the first waits 40 ms for an acknowledgement."""
    rounds = 10
    async with serving(HttpLimits()) as (clients, _):
        await get(clients)
        began = perf_counter()
        for _ in range(rounds):
            assert b"hello" in await get(clients)
        fresh = perf_counter() - began
        reader, writer = await clients.connect()
        began = perf_counter()
        for _ in range(rounds):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"hello")
        kept = perf_counter() - began
    assert kept < 5 * fresh


async def answered(clients, length):
    """A connection whose request was answered before its body came."""
    reader, writer = await clients.connect()
    writer.write(HEAD % b"/unread" + b"Content-Length: %d\r\n\r\n" % length)
    assert b"200" in await reader.readuntil(b"hello")
    return reader, writer


@pytest.mark.slow
async def test_a_body_that_nobody_waits_for_has_an_end():
    async with serving() as (clients, _):
        reader, writer = await answered(clients, 10**12)
        loop = asyncio.get_running_loop()
        until = loop.time() + HANG_S
        with suppress(OSError):
            while loop.time() < until and not reader.at_eof():
                writer.write(bytes(200))
                await writer.drain()
                await asyncio.sleep(0.02)
        assert loop.time() < until


@pytest.mark.slow
async def test_who_sends_on_after_the_answer_takes_no_place_from_others():
    async with serving(HttpLimits(max_connections=3)) as (clients, _):
        held = [await answered(clients, 10**12) for _ in range(3)]
        for _, writer in held:
            writer.write(bytes(500))
            await writer.drain()
        await asyncio.sleep(0.05)
        assert b"hello" in await get(clients)


@pytest.mark.slow
async def test_a_short_body_after_the_answer_does_not_end_the_connection():
    async with serving() as (clients, _):
        reader, writer = await answered(clients, 5)
        writer.write(b"12345" + PAGE)
        await reader.readuntil(b"hello")
        await asyncio.sleep(QUICK.body_interval_s / 2)
        writer.write(LAST_PAGE)
        assert b"hello" in await closed(reader)


@pytest.mark.slow
async def test_a_request_right_behind_the_rest_of_a_body_may_take_its_time():
    async with serving() as (clients, _):
        reader, writer = await answered(clients, 5)
        writer.write(b"12345" + HEAD % b"/late" + b"Content-Length: 5\r\n\r\nhello")
        assert QUICK.body_interval_s < SLOW_READER_S
        await reader.readuntil(b"read")


@pytest.mark.slow
@pytest.mark.parametrize("path", [b"/nowhere", b"/unread"])
async def test_nonsense_after_the_answer_ends_the_connection_and_is_no_error_of_ours(path):
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
    async with serving() as (clients, _):
        reader, writer = await clients.connect()
        writer.write(HEAD % path + CHUNKED)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"ZZ\r\nbad")
        await closed(reader)
        assert b"hello" in await get(clients)
    assert complaints == []
