"""Reads untrusted files in processes of their own, with limits, and streams what they say.

``async with Sandbox(limits) as sandbox`` starts the zygote (see that module) and stops it at the
end; :meth:`Sandbox.parse` starts it again if it died. One sandbox serves any number of documents at
a time. Memory is bounded: a process that is ahead of its reader waits, because its pipe is full.
What confines the processes, and what does not on this system, the zygote says when it starts.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncGenerator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from services.ingest.pages.document import Item
from services.ingest.sandbox.confine import EXPECTED, Layer, Limits, Missing
from services.ingest.sandbox.parsing_process import ParsingProcess, Pipe
from services.ingest.sandbox.zygote_process import ZygoteProcess, keep_others_out, take

log = structlog.get_logger(__name__)

_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_LINE_BYTES = 4096


class Sandbox:
    """Parses documents in child processes. Has the same shape as any other parser.

    Where ``required``, it reads nothing as long as a layer of the sandbox is missing.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        required: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._required = required
        self._metrics = metrics or Metrics("ingest")
        self._missing: Missing | None = None
        self._zygote: ZygoteProcess | None = None
        self._starting = asyncio.Lock()
        self._ready = False

    async def __aenter__(self) -> Self:
        """Start the zygote; documents may be given to it while it still loads."""
        keep_others_out()
        async with self._starting:
            self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the zygote and every document that is being read."""
        async with self._starting:
            await self._stop()

    async def prepare(self) -> None:
        """Return once documents can be read.

        Raises:
            Unavailable: the zygote did not start, or a layer is missing that is required.
        """
        await self._connected()

    async def check(self) -> str | None:
        """Return what is missing of the sandbox, as a sentence for the health page.

        Raises:
            Unavailable: as :meth:`prepare`, or the zygote has not said it yet.
        """
        if self._missing is None:
            raise Unavailable("the parsing process is starting")
        self._refuse_degraded()
        return _degraded(self._missing)

    async def parse(
        self, path: Path, filename: str | None = None, limits: Limits | None = None
    ) -> AsyncGenerator[Item, None]:
        """Yield the pages of a document as they are read, then its metadata.

        ``limits`` replace those of the sandbox for this document. The wall clock only runs while
        the child is waited for, not while the caller works on a page.

        Raises:
            Rejected: the document cannot be read, or not within the limits.
            Transient: the zygote died, or the machine failed; nothing is known of the document.
            FileNotFoundError: there is no file at ``path``.
        """
        limits = limits or self.limits
        document = await asyncio.to_thread(os.open, path, os.O_RDONLY)
        try:
            reading = await self._begin(document, filename, limits)
        finally:
            os.close(document)
        try:
            async for item in reading.items():
                yield item
        finally:
            reading.end()

    async def _begin(self, document: int, filename: str | None, limits: Limits) -> ParsingProcess:
        data_read, data_write = os.pipe()
        status_read, status_write = os.pipe()
        try:
            control = await self._connected()
            request = json.dumps({"filename": filename, "limits": asdict(limits)}).encode()
            length = len(request).to_bytes(4, "big")
            fds = [data_write, status_write, document]
            socket.send_fds(control, [length + request], fds)
        except (OSError, Unavailable) as error:
            os.close(data_read)
            os.close(status_read)
            if isinstance(error, Unavailable):
                raise
            raise Unavailable("the parsing process does not take documents") from error
        finally:
            os.close(data_write)
            os.close(status_write)
        answer, status = await Pipe.open(data_read), await Pipe.open(status_read)
        return ParsingProcess(answer, status, limits=limits, metrics=self._metrics)

    async def _connected(self) -> socket.socket:
        """Return the socket to a zygote that runs, starting one if need be."""
        async with self._starting:
            zygote = self._zygote
            if zygote is None or not zygote.runs:
                await self._stop()
                zygote = self._start()
            if not self._ready:
                await self._await_ready(zygote.control)
            self._refuse_degraded()
            return zygote.control

    def _start(self) -> ZygoteProcess:
        self._zygote, self._ready = take(), False
        return self._zygote

    async def _await_ready(self, control: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_START_SECONDS):
                said = b""
                while not said.endswith(b"\n"):
                    said += (more := await loop.sock_recv(control, _LINE_BYTES))
                    if not more:
                        raise Unavailable("the parsing process ended while it started")
        except (OSError, TimeoutError) as error:
            raise Unavailable("the parsing process did not start") from error
        self._ready = True
        self._learn({Layer(name): why for name, why in json.loads(said).items()})

    def _learn(self, missing: Missing) -> None:
        for layer in Layer:
            self._metrics.sandbox_layers.labels(layer=layer.value).set(layer not in missing)
        if missing != self._missing and (degraded := _degraded(missing)):
            log.warning("sandbox", message=degraded)
        self._missing = missing

    def _refuse_degraded(self) -> None:
        if self._required and (degraded := _degraded(self._missing or {})):
            raise Unavailable(f"INGEST_REQUIRE_SANDBOX is set, and the sandbox is {degraded}")

    async def _stop(self) -> None:
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            await asyncio.to_thread(zygote.end, _STOP_SECONDS)


def _degraded(missing: Missing) -> str | None:
    lacking = [f"{layer.value} ({why})" for layer, why in missing.items() if layer in EXPECTED]
    return f"degraded: without {', '.join(lacking)}" if lacking else None
