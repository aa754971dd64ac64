"""One document that is being read, as the service sees it: what its process says, how it ends."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from time import monotonic
from typing import Self

import structlog

from libs.common.errors import LecternError, Rejected, Transient
from libs.common.observability.metrics import Metrics
from services.ingest.pages.document import Item
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.sandbox import frames
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.frames import Frame

log = structlog.get_logger(__name__)

_FORK_SECONDS = 60.0
_STATUS_SECONDS = 5.0
_BUFFER_BYTES = 64 * 1024


class ParserCrashed(LecternError):
    """A parser raised what it should not; the message is its traceback. Cause of a Rejected."""

    code = "parser_crashed"


class Pipe:
    """The reading end of a pipe as a stream."""

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        self.reader = reader
        self._transport = transport

    @classmethod
    async def open(cls, fd: int) -> Self:
        """Return the stream of a descriptor, which closes it."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_BUFFER_BYTES)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
        )
        return cls(reader, transport)

    def close(self) -> None:
        """Close the descriptor."""
        self._transport.close()


class ParsingProcess:
    """One document that is being read: ``data`` brings frames, ``status`` what the zygote says."""

    def __init__(self, data: Pipe, status: Pipe, *, limits: Limits, metrics: Metrics) -> None:
        self._metrics = metrics
        self._data = data
        self._status = status
        self._left = limits.wall_seconds
        self._pid = 0
        self._dead = False

    async def items(self) -> AsyncIterator[Item]:
        """Yield what the child finds; raise what it ends with, if that is not metadata."""
        cover: bytes | None = None
        self._pid = await self._number()
        while True:
            try:
                kind, payload = await self._frame()
                match kind:
                    case Frame.PAGE:
                        yield frames.page(payload)
                    case Frame.COVER:
                        cover = payload
                    case Frame.METADATA:
                        self._dead = True  # its last word: it ends by itself
                        yield frames.metadata(payload, cover)
                        return
                    case Frame.REJECTED:
                        raise frames.rejection(payload)
                    case Frame.CRASHED:
                        trace = payload.decode("utf-8", "replace")
                        raise rejected(Reason.UNREADABLE) from ParserCrashed(trace)
                    case Frame.FAILED:
                        reason = payload.decode("utf-8", "replace")
                        raise Transient(f"the document could not be read just now: {reason}")
            except asyncio.IncompleteReadError:
                raise await self._cause() from None
            except (ValueError, TypeError, KeyError) as error:
                raise rejected(Reason.UNREADABLE) from error

    async def _frame(self) -> tuple[Frame, bytes]:
        began = monotonic()
        try:
            async with asyncio.timeout(max(self._left, 0.0)):
                kind, size = frames.header(await self._data.reader.readexactly(frames.HEADER_BYTES))
                payload = await self._data.reader.readexactly(size)
        except TimeoutError:
            raise rejected(Reason.TOO_SLOW) from None
        self._left -= monotonic() - began
        return kind, payload

    async def _number(self) -> int:
        """Return the next number that the zygote tells.

        Raises:
            Transient: it died.
        """
        async with asyncio.timeout(_FORK_SECONDS):
            line = await self._status.reader.readline()
        if not line.endswith(b"\n"):
            raise Transient("the parsing process ended while it read a document")
        return int(line)

    async def _cause(self) -> Rejected:
        """Return why the child ended without a last word."""
        async with asyncio.timeout(_STATUS_SECONDS):
            status = await self._number()
        self._dead = True
        died_of = -os.waitstatus_to_exitcode(status)
        if died_of == signal.SIGSYS:
            self._metrics.parser_attacks_total.inc()
            log.error("a parser did what only an attack does, and was killed")
            return rejected(Reason.UNSAFE)
        if died_of == signal.SIGXCPU:
            return rejected(Reason.TOO_SLOW)
        if died_of == signal.SIGKILL:
            return rejected(Reason.TOO_COMPLEX)
        return rejected(Reason.UNREADABLE)

    def end(self) -> None:
        """Kill what still runs and close the pipes."""
        if self._pid and not self._dead:
            # It has made itself leader of a group; the group is empty once it was reaped.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
        self._data.close()
        self._status.close()
