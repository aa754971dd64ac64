"""Serves HTTP pages from inside a running service, which keeps the loop and the signals."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from libs.common.runtime.http_connection import BoundedConnection, ConnectionLimit, HttpLimits
from libs.common.runtime.safe_headers import SafeHeaders
from libs.common.settings import CommonSettings

BACKLOG = 256
"""Connections that wait to be accepted. asyncio accepts so many at a time, before any of them is
counted: they have to fit into the descriptors that are kept free."""
PATIENCE_S = 3.0


def limits_of(common: CommonSettings) -> HttpLimits:
    """Return what clients may take, as the settings say."""
    return HttpLimits(
        max_connections=common.http_max_connections,
        head_s=common.http_head_timeout_seconds,
    )


class CannotListen(Exception):
    """The address cannot be listened on; the message says which and what to do.

    ``port`` is the one that may not be had; None: it is the host that this machine has not.
    """

    def __init__(self, message: str, port: int | None = None) -> None:
        super().__init__(message)
        self.port = port


KEEP_ALIVE_S = 75
"""How long a connection is kept for the next request: longer than load balancers (60 s) and httpx
(5 s) do.

With uvicorn's 5 s, a request that httpx sends at that moment may be reset, and nobody knows whether
a POST was taken. Idle connections make room where they are scarce (:mod:`.http_connection`).
"""


class HttpServer:
    """One ASGI app on one address. Use it once.

    The app's lifespan events are not sent: the composition root opens and closes what it uses.
    """

    def __init__(
        self, app: ASGIApp, host: str, port: int, *, limits: HttpLimits | None = None
    ) -> None:
        self._host = host
        self._port = port
        limit = ConnectionLimit(limits=limits or HttpLimits())
        protocol: Any = partial(BoundedConnection, limit=limit)  # uvicorn only calls it
        self._server = _Server(
            uvicorn.Config(
                SafeHeaders(app),
                http=protocol,
                lifespan="off",
                interface="asgi3",
                timeout_keep_alive=KEEP_ALIVE_S,
                ws="none",
                backlog=BACKLOG,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on; after :meth:`start` the one that was chosen, if 0 was asked."""
        return self._port

    async def start(self) -> None:
        """Listen; returns when requests are answered.

        Raises:
            CannotListen: The port is taken, or the address is not of this machine.
        """
        listening = await self._listen()
        self._port = listening.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve([listening]), name="http server")
        up = asyncio.create_task(self._server.up.wait())
        await asyncio.wait({self._serving, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._serving.done():
            await self._serving

    async def stop(self, timeout_s: float = PATIENCE_S) -> None:
        """Take no more requests, give those under way ``timeout_s`` to end, then cut them off."""
        if self._serving is None:
            return
        # uvicorn knows whole seconds only, in its types; its code takes any number.
        self._server.config.timeout_graceful_shutdown = timeout_s  # type: ignore[assignment]
        self._server.should_exit = True
        await self._serving

    async def _listen(self) -> socket.socket:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            family, _, _, _, address = found[0]
            listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
        except OSError as error:
            where = f"port {self._port} of {self._host}"
            port: int | None = self._port
            if error.errno == errno.EADDRINUSE:
                advice = "something else listens there; stop that or choose another port"
            elif error.errno == errno.EACCES:
                advice = "ports below 1024 need special rights; choose another one"
            else:
                advice, port = "this machine has no such address; check the host", None
            raise CannotListen(f"cannot listen on {where}: {advice}", port) from error
        # Connections inherit it. Without it, the second part of an answer waits for the client to
        # acknowledge the first, which it puts off for 40 ms; asyncio sets it for its own sockets.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening


class _Server(uvicorn.Server):
    """Leaves signals to the service and says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.up.set()
