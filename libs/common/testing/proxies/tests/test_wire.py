import asyncio
import gc

import pytest

from libs.common.testing.proxies.wire import Wire


async def test_a_wire_is_cut_and_mended_at_the_same_port() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(100):
            writer.write(block)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    wire = Wire(*server.sockets[0].getsockname()[:2])
    wire.mend()
    try:
        port = wire.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        wire.cut()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        wire.mend()
        wire.mend()
        assert wire.port == port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"again")
        assert await reader.readexactly(5) == b"again"
        writer.close()
    finally:
        wire.close()
        server.close()


async def test_what_was_sent_on_a_silent_wire_arrives_later() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(4))
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        wire = Wire(*server.sockets[0].getsockname())
        await asyncio.to_thread(wire.mend)
        wire.silence()
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"word")
        answer = asyncio.create_task(reader.readexactly(4))
        await asyncio.sleep(0.1)
        assert not answer.done()
        await asyncio.to_thread(wire.mend)
        assert await asyncio.wait_for(answer, 10) == b"word"
        writer.close()
        await asyncio.to_thread(wire.close)


async def test_who_waits_on_a_silent_wire_is_reset_when_it_is_closed() -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        wire = Wire(*server.sockets[0].getsockname())
        await asyncio.to_thread(wire.mend)
        wire.silence()
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"word")
        await asyncio.sleep(0.1)
        await asyncio.to_thread(wire.close)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), 10)
        writer.close()
    gc.collect()  # warns of what was left open
