"""A wire to a server, which lives on while a test cuts the wire or loses what is sent on it."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any

BLOCK_BYTES = 65_536
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: closing sends a reset


class Wire:
    """Forwards a loopback port of its own to ``host:port``."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._forwarding = asyncio.Event()
        self._forgotten: list[asyncio.Event] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._thread.start()

    def lead_to(self, host: str, port: int) -> None:
        """Have connections that are made from now on lead to another server."""
        self._target = (host, port)

    def mend(self) -> None:
        """Let clients connect, always at the same port. Mending twice is fine.

        What was sent on a silent wire arrives now.
        """
        self._run(self._listen())

    def silence(self) -> None:
        """Keep connections, take new ones, and forward nothing."""
        self._run(self._hold())

    def forget(self) -> None:
        """Forward new connections only; those that there are stay open and silent for ever.

        So does a network that has lost its table of connections, as after a change of nodes.
        """
        self._run(self._let_new_ones_through())

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._run(self._hang_up())

    def close(self) -> None:
        """Cut for good."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, doing: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(doing, self._loop).result(10)

    async def _listen(self) -> None:
        self._forwarding.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _hold(self) -> None:
        self._forwarding.clear()

    async def _let_new_ones_through(self) -> None:
        self._forwarding.clear()
        self._forgotten.append(self._forwarding)
        self._forwarding = asyncio.Event()
        self._forwarding.set()

    async def _hang_up(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._forgotten.clear()
        for end in list(self._ends):
            with contextlib.suppress(OSError):  # its client has left
                raw = end.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            end.transport.abort()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._forward(reader, writer, self._forwarding))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        forwarding: asyncio.Event,
    ) -> None:
        async with self._held(writer):
            await forwarding.wait()
            try:
                far_reader, far_writer = await asyncio.open_connection(*self._target)
            except OSError:
                writer.transport.abort()
                return
            async with self._held(far_writer):
                await asyncio.gather(
                    self._pump(reader, far_writer, forwarding),
                    self._pump(far_reader, writer, forwarding),
                )

    @contextlib.asynccontextmanager
    async def _held(self, end: asyncio.StreamWriter) -> AsyncIterator[None]:
        self._ends.add(end)
        try:
            yield
        finally:
            self._ends.discard(end)
            end.close()
            with contextlib.suppress(OSError):  # reset, by either side
                await end.wait_closed()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        forwarding: asyncio.Event,
    ) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(BLOCK_BYTES):
                await forwarding.wait()
                writer.write(block)
                await writer.drain()
        writer.close()
