"""Fetches web addresses in processes of their own, with limits, started by the fetch server.

``async with LimitedFetcher(...) as fetcher`` stops the server at the end; it is started with the
first web address, and again if it died.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeAlias

from libs.common.errors import LecternError, Rejected, Throttled, Transient, Unavailable
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.sources.server_process import FetchServerProcess

START_SECONDS = 60.0
GRACE_SECONDS = 5.0
"""After its own deadline, a process that does not answer is killed."""

_ANSWER_BYTES = 64 * 1024


Child: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class FetcherCrashed(LecternError):
    """A fetching process raised what it should not; the message is its traceback."""

    code = "fetcher_crashed"


@dataclass(frozen=True)
class FetchLimits:
    """See :class:`services.ingest.sources.fetch.WebFetcher`."""

    max_bytes: int
    timeout_seconds: float
    allow_private: bool = False


class LimitedFetcher:
    """Any number of web addresses at a time, each fetched by a child process."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._server: FetchServerProcess | None = None

    async def __aenter__(self) -> Self:
        """Start nothing yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server and whatever is being fetched."""
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(server.end)

    async def fetch(self, url: str, path: Path) -> str | None:
        """Store what ``url`` answers at ``path``; return the file name that it goes by, if any.

        Raises:
            Rejected: The address is invalid, not public, not there, or answers too much.
            Transient: It does not answer in time, or the fetching process was stopped.
        """
        ours, theirs = socket.socketpair()
        file = await asyncio.to_thread(path.open, "wb")
        with theirs, file:
            server = self._send(theirs, file)
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_ANSWER_BYTES)
        try:
            return await self._answer(url, server, (reader, writer))
        finally:
            writer.close()

    def _send(self, theirs: socket.socket, file: BinaryIO) -> FetchServerProcess:
        """Hand both to a server that runs, starting one if need be."""
        if self._server is None or not self._server.runs:
            if self._server is not None:
                self._server.control.close()
            self._server = FetchServerProcess.start()
        try:
            socket.send_fds(self._server.control, [b"f"], [theirs.fileno(), file.fileno()])
        except OSError as error:
            raise Unavailable("the fetching process does not take web addresses") from error
        return self._server

    async def _answer(self, url: str, server: FetchServerProcess, child: Child) -> str | None:
        reader, writer = child
        pid = await _line(reader, START_SECONDS)
        if not pid:
            raise Unavailable("the fetching process ended while it started")
        try:
            request = {"url": url, **asdict(self._limits)}
            writer.write(json.dumps(request).encode() + b"\n")
            answer = await _line(reader, self._limits.timeout_seconds + GRACE_SECONDS)
        finally:
            # Also one that has answered: what it wrote must not change any more. It has made
            # itself leader of a group; the group is empty once it has ended.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(pid), signal.SIGKILL)
        if not answer:
            if not server.runs:
                raise Transient("the fetching process was stopped")
            raise rejected(Reason.UNREADABLE)
        return _filename(answer)


async def _line(reader: asyncio.StreamReader, patience_s: float) -> bytes:
    """Return the next line, empty if the other side ended without one.

    Raises:
        Transient: Nothing came in time.
        Rejected: Something came that is no line.
    """
    try:
        async with asyncio.timeout(patience_s):
            line = await reader.readline()
    except TimeoutError:
        raise Transient("the website does not answer in time") from None
    except ConnectionError:
        return b""
    except ValueError as error:
        raise rejected(Reason.UNREADABLE) from error
    return line if line.endswith(b"\n") else b""


def _filename(answer: bytes) -> str | None:
    """Return the file name of an answer, or raise what it says."""
    try:
        told: dict[str, Any] = json.loads(answer)
        if "filename" in told:
            return None if told["filename"] is None else str(told["filename"])
        if "crashed" in told:
            raise rejected(Reason.UNREADABLE) from FetcherCrashed(str(told["crashed"]))
        raise _error(told)
    except (ValueError, TypeError, KeyError) as error:
        raise rejected(Reason.UNREADABLE) from error


def _error(told: dict[str, Any]) -> LecternError:
    message = str(told["message"])
    if told["error"] == Rejected.__name__:
        return Rejected(str(told["code"]), message)
    if told["error"] == Throttled.__name__:
        after = told["retry_after_s"]
        return Throttled(message, None if after is None else float(after))
    return Transient(message)
