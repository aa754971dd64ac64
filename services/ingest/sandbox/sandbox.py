"""Reads untrusted files in processes of their own, with limits, and streams what they say.

``async with Sandbox(limits) as sandbox`` starts the zygote (see that module) and stops it at the
end; :meth:`Sandbox.parse` starts it again if it died. One sandbox serves any number of documents at
a time. Memory is bounded: a process that is ahead of its reader waits, because its pipe is full.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from libs.common.errors import LecternError, Rejected, Transient, Unavailable
from services.ingest.pages.document import Item
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.sandbox import frames
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.frames import Frame
from services.ingest.sandbox.zygote_process import ZygoteProcess, take

__all__ = ["Limits", "ParserCrashed", "Sandbox"]

_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_STATUS_SECONDS = 5.0
_BUFFER_BYTES = 64 * 1024


class ParserCrashed(LecternError):
    """A parser raised what it should not; the message is its traceback. Cause of a Rejected."""

    code = "parser_crashed"


class Sandbox:
    """Parses documents in child processes. Has the same shape as any other parser."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._zygote: ZygoteProcess | None = None
        self._starting = asyncio.Lock()
        self._ready = False

    async def __aenter__(self) -> Self:
        """Start the zygote; documents may be given to it while it still loads."""
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
        path = await asyncio.to_thread(path.resolve, strict=True)
        limits = limits or self.limits
        reading = await self._begin(path, filename, limits)
        try:
            async for item in reading.items():
                yield item
        finally:
            reading.end()

    async def _begin(self, path: Path, filename: str | None, limits: Limits) -> "_Reading":
        data_read, data_write = os.pipe()
        status_read, status_write = os.pipe()
        try:
            control = await self._connected()
            request = json.dumps(
                {"path": str(path), "filename": filename, "limits": asdict(limits)}
            ).encode()
            length = len(request).to_bytes(4, "big")
            socket.send_fds(control, [length + request], [data_write, status_write])
        except OSError as error:
            os.close(data_read)
            os.close(status_read)
            raise Unavailable("the parsing process does not take documents") from error
        finally:
            os.close(data_write)
            os.close(status_write)
        return _Reading(await _Pipe.open(data_read), await _Pipe.open(status_read), limits)

    async def _connected(self) -> socket.socket:
        """Return the socket to a zygote that runs, starting one if need be."""
        async with self._starting:
            zygote = self._zygote
            if zygote is None or not zygote.runs:
                await self._stop()
                zygote = self._start()
            if not self._ready:
                await self._await_ready(zygote.control)
            return zygote.control

    def _start(self) -> ZygoteProcess:
        self._zygote, self._ready = take(), False
        return self._zygote

    async def _await_ready(self, control: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_START_SECONDS):
                answer = await loop.sock_recv(control, 1)
        except (OSError, TimeoutError) as error:
            raise Unavailable("the parsing process did not start") from error
        if not answer:
            raise Unavailable("the parsing process ended while it started")
        self._ready = True

    async def _stop(self) -> None:
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            await asyncio.to_thread(zygote.end, _STOP_SECONDS)


class _Pipe:
    """The reading end of a pipe as a stream."""

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        self.reader = reader
        self._transport = transport

    @classmethod
    async def open(cls, fd: int) -> Self:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_BUFFER_BYTES)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
        )
        return cls(reader, transport)

    def close(self) -> None:
        self._transport.close()


class _Reading:
    """One document that is being read."""

    def __init__(self, data: _Pipe, status: _Pipe, limits: Limits) -> None:
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
        async with asyncio.timeout(_START_SECONDS):
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
