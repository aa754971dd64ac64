"""The program that fetching processes are forked from: ``python -m ....sources.fetch_server``.

See :mod:`services.ingest.sandbox.fork_server`. The file of a child is the one to write to. A child
has one thread: it resolves names in it, and does nothing else meanwhile.
"""

import asyncio
import codecs
import contextlib
import ctypes
import os
import ssl
from collections.abc import Iterator
from typing import Any

import anyio
import httpcore  # noqa: F401  httpx loads it with the first request
import httpx
import idna.uts46data  # noqa: F401  idna loads it with the first name that is not ASCII

from libs.common.public_addresses import Address, resolve_blocking
from services.ingest.sandbox import frames
from services.ingest.sandbox.fork_server import FILE_FD, ConfinedTask, serve
from services.ingest.sandbox.rules import fetcher
from services.ingest.sources.fetch import WebFetcher

_ENCODINGS = ("ascii", "latin-1", "utf-8", "idna", "punycode", "raw-unicode-escape")
"""Of names of websites and, RFC 8187, of files."""


class Fetching:
    """Fetches web addresses; ``tls`` is what it checks certificates with."""

    rules = fetcher(())

    def __init__(self) -> None:
        self.tls: ssl.SSLContext | None = None

    def preload(self) -> None:
        """Load authorities, and what is otherwise loaded with the first request."""
        self.tls = httpx.create_ssl_context(trust_env=False)
        anyio.run(anyio.sleep, 0)
        for encoding in _ENCODINGS:
            codecs.lookup(encoding)
        with contextlib.suppress(OSError):  # a part of the C library itself since glibc 2.34
            ctypes.CDLL("libnss_dns.so.2")

    def task(self, request: dict[str, Any]) -> ConfinedTask:
        """Open the file and an event loop, which needs descriptors of other kinds than sockets."""
        file = os.fdopen(FILE_FD, "wb")
        runner = asyncio.Runner()
        runner.get_loop()
        ports, allow_private = request["ports"], request["allow_private"]
        web = WebFetcher(
            max_bytes=request["max_bytes"],
            timeout_seconds=request["timeout_seconds"],
            allow_private=allow_private,
            ports=frozenset(ports),
            resolver=_resolve,
            tls=self.tls,
        )

        def work() -> Iterator[bytes]:
            with runner, file:
                fetched = runner.run(web.fetch(request["url"], file))
            yield frames.of_fetched(fetched.filename)

        return ConfinedTask(fetcher(None if allow_private else ports), work)


async def _resolve(host: str, port: int) -> list[Address]:
    return resolve_blocking(host, port)


if __name__ == "__main__":
    serve(Fetching())
