"""A fork server and its children, as the service sees them.

The server is started when it is first needed, and again if it died. What confines its children, and
what does not on this system, it says when it starts.
"""

import asyncio
import json
import os
import socket
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import structlog

from libs.common.errors import Rejected, Unavailable
from libs.common.observability.metrics import Metrics
from services.ingest.sandbox.confine import EXPECTED, Layer, Limits, Missing
from services.ingest.sandbox.forked_process import ForkedProcess, Pipe
from services.ingest.sandbox.server_process import ForkServerProcess, keep_others_out, take

log = structlog.get_logger(__name__)

_START_SECONDS = 60.0
_LINE_BYTES = 4096
MOST_REQUEST_BYTES = 64 * 1024
"""They fit into the buffer of the socket."""


class ForkClient:
    """Has any number of children forked, which are confined.

    ``name`` is what people know the program as, ``program`` the module that runs. Where
    ``required``, no child is forked as long as a layer of the sandbox is missing.
    """

    def __init__(
        self, name: str, program: str, *, required: bool = False, metrics: Metrics | None = None
    ) -> None:
        self._name = name
        self._program = program
        self._required = required
        self._metrics = metrics or Metrics("ingest")
        self._missing: Missing | None = None
        self._server: ForkServerProcess | None = None
        self._starting = asyncio.Lock()
        self._ready = False

    async def __aenter__(self) -> Self:
        """Keep confined processes out of this one; start nothing yet."""
        keep_others_out()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server and all its children."""
        async with self._starting:
            await self._stop()

    async def start(self) -> None:
        """Start the server; it takes requests while it still loads."""
        async with self._starting:
            self._start()

    async def prepare(self) -> None:
        """Return once children can be forked, having started the server if need be.

        Raises:
            Unavailable: The server did not start, or a layer is missing that is required.
        """
        await self._connected()

    def check(self) -> str | None:
        """Return what is missing of the sandbox, as a sentence for the health page.

        None if nothing is, or the server has not said so yet.

        Raises:
            Unavailable: A layer is missing that is required.
        """
        self._refuse_degraded()
        return self._degraded()

    @property
    def told(self) -> bool:
        """Whether the server has said what confines its children."""
        return self._missing is not None

    async def fork(self, file: int, request: dict[str, Any], limits: Limits) -> ForkedProcess:
        """Have a child forked that gets the descriptor ``file``; it closes with ``end``.

        Raises:
            Unavailable: As ``prepare``, or the server takes no requests.
            Rejected: The request is too long.
        """
        raw = json.dumps({**request, "limits": asdict(limits)}).encode()
        if len(raw) > MOST_REQUEST_BYTES:  # the server would wait for the rest, and all for it
            raise Rejected("unreadable", "What is said of the document is too long.")
        answer_read, answer_write, status_read, status_write = _two_pipes()
        try:
            control = await self._connected()
            await self._send(control, raw, [answer_write, status_write, file])
        except BaseException:
            os.close(answer_read)
            os.close(status_read)
            raise
        finally:
            os.close(answer_write)
            os.close(status_write)
        answer, status = await _opened(answer_read, status_read)
        return ForkedProcess(answer, status, name=self._name, metrics=self._metrics)

    async def _send(self, control: socket.socket, raw: bytes, fds: list[int]) -> None:
        message = len(raw).to_bytes(4, "big") + raw
        try:
            sent = socket.send_fds(control, [message], fds)
        except OSError as error:
            raise Unavailable(f"the {self._name} takes no requests") from error
        if sent < len(message):  # the server would take the next request for the rest of this one
            await asyncio.shield(self._stop())
            raise Unavailable(f"the {self._name} takes no requests")

    async def _connected(self) -> socket.socket:
        """Return the socket to a server that runs, starting one if need be."""
        async with self._starting:
            server = self._server
            if server is None or not server.runs:
                await self._stop()
                server = self._start()
            if not self._ready:
                try:
                    await self._await_ready(server.control)
                except BaseException:  # its word may be lost, and it says no other
                    await asyncio.shield(self._stop())
                    raise
            self._refuse_degraded()
            return server.control

    def _start(self) -> ForkServerProcess:
        self._server, self._ready = take(self._program), False
        return self._server

    async def _await_ready(self, control: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_START_SECONDS):
                said = b""
                while not said.endswith(b"\n"):
                    said += (more := await loop.sock_recv(control, _LINE_BYTES))
                    if not more:
                        raise Unavailable(f"the {self._name} ended while it started")
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"the {self._name} did not start") from error
        self._ready = True
        self._learn({Layer(name): why for name, why in json.loads(said).items()})

    def _learn(self, missing: Missing) -> None:
        for layer in Layer:
            shown = self._metrics.sandbox_layers.labels(process=self._name, layer=layer.value)
            shown.set(layer not in missing)
        known, self._missing = self._missing, missing
        if missing != known and (degraded := self._degraded()):
            log.warning("sandbox", message=degraded)

    def _degraded(self) -> str | None:
        missing = self._missing or {}
        lacking = [f"{layer.value} ({why})" for layer, why in missing.items() if layer in EXPECTED]
        return f"degraded: {self._name} without {', '.join(lacking)}" if lacking else None

    def _refuse_degraded(self) -> None:
        if self._required and (degraded := self._degraded()):
            raise Unavailable(f"INGEST_REQUIRE_SANDBOX is set, and the sandbox is {degraded}")

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(server.end)


def _two_pipes() -> tuple[int, int, int, int]:
    """Return the ends of two pipes.

    Raises:
        Unavailable: The process has as many descriptors as it may have.
    """
    ends: list[int] = []
    try:
        for _ in range(2):
            ends += os.pipe()
    except OSError as error:
        for end in ends:
            os.close(end)
        raise Unavailable("there are no descriptors left") from error
    first_read, first_write, second_read, second_write = ends
    return first_read, first_write, second_read, second_write


async def _opened(answer: int, status: int) -> tuple[Pipe, Pipe]:
    """Open both or, when cancelled, neither: a child with nobody to answer to ends by itself."""
    try:
        opened = await Pipe.open(answer)
    except BaseException:
        os.close(status)
        raise
    try:
        return opened, await Pipe.open(status)
    except BaseException:
        opened.close()
        raise
