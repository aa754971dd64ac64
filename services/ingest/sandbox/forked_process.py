"""A child of a fork server, as the service sees it: what it says, and how it ends."""

import asyncio
import contextlib
import os
import signal
from typing import Self

import structlog

from libs.common.errors import LecternError, Rejected, Transient
from libs.common.observability.metrics import Metrics
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.sandbox import frames, payloads
from services.ingest.sandbox.frames import Frame

log = structlog.get_logger(__name__)

_FORK_SECONDS = 60.0
_STATUS_SECONDS = 5.0
_BUFFER_BYTES = 64 * 1024
_REASONS: dict[int, Reason] = {
    signal.SIGSYS: Reason.UNSAFE,
    signal.SIGXCPU: Reason.TOO_SLOW,
    signal.SIGKILL: Reason.TOO_COMPLEX,
}


class ConfinedCodeCrashed(LecternError):
    """Confined code raised what it should not; the message is its traceback."""

    code = "confined_code_crashed"


class EndedWithoutResult(LecternError):
    """A confined process ended by ``signal``, 0 for none, and had not said what came of it."""

    code = "died_without_word"

    def __init__(self, number: int) -> None:
        super().__init__(f"the confined process ended by signal {number}")
        self.signal = number

    def rejection(self) -> Rejected:
        """Return what to tell the owner of a document whose process ended so."""
        return rejected(_REASONS.get(self.signal, Reason.UNREADABLE))


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


class ForkedProcess:
    """A child whose frames come on ``answer``; on ``status``, what the fork server says of it.

    ``name`` of its program is what metrics and log show.
    """

    def __init__(self, answer: Pipe, status: Pipe, *, name: str, metrics: Metrics) -> None:
        self._answer = answer
        self._status = status
        self._name = name
        self._metrics = metrics
        self._pid = 0
        self._dead = False

    async def started(self) -> None:
        """Return once it was forked. Comes before everything else.

        Raises:
            Transient: The fork server died or does not answer.
        """
        self._pid = await self._number(_FORK_SECONDS)

    async def frame(self, patience_s: float) -> tuple[Frame, bytes]:
        """Return the next frame that is no error, and its payload.

        Raises:
            TimeoutError: None came in time.
            EndedWithoutResult: It ended before it had said how.
            Rejected: It says that the document is at fault, or what it says makes no sense.
            Transient: It says that the document should be tried again, or the fork server died.
        """
        try:
            async with asyncio.timeout(patience_s):
                raw = await self._answer.reader.readexactly(frames.HEADER_BYTES)
                kind, size = frames.header(raw)
                payload = await self._answer.reader.readexactly(size)
            _raise_error(kind, payload)
        except asyncio.IncompleteReadError:
            raise await self._death() from None
        except ValueError as error:
            raise rejected(Reason.UNREADABLE) from error
        return kind, payload

    async def _number(self, patience_s: float) -> int:
        """Return the next number that the fork server tells.

        Raises:
            Transient: It died, or does not answer in time.
        """
        try:
            async with asyncio.timeout(patience_s):
                line = await self._status.reader.readline()
        except TimeoutError:
            raise Transient(f"the fork server of the {self._name} does not answer") from None
        if not line.endswith(b"\n"):
            raise Transient(f"the process of the {self._name} was stopped")
        return int(line)

    async def _death(self) -> EndedWithoutResult:
        status = await self._number(_STATUS_SECONDS)
        self._dead = True
        code = os.waitstatus_to_exitcode(status)
        if code == os.EX_TEMPFAIL:
            raise Transient(f"the process of the {self._name} lacked something of the machine")
        died = EndedWithoutResult(max(0, -code))
        if died.signal == signal.SIGSYS:
            self._metrics.sandbox_attacks_total.labels(process=self._name).inc()
            log.error("a confined process did what only an attack does", process=self._name)
        return died

    async def finish(self) -> None:
        """Kill it and return once it is gone: what it wrote does not change any more.

        Raises:
            Transient: The fork server died or does not answer, so nobody knows.
        """
        self._kill()
        await self._number(_STATUS_SECONDS)
        self._dead = True

    def end(self) -> None:
        """Kill what still runs and close the pipes."""
        self._kill()
        self._answer.close()
        self._status.close()

    def _kill(self) -> None:
        if self._pid and not self._dead:
            # It has made itself leader of a group; the group is empty once it was reaped.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)


def _raise_error(kind: Frame, payload: bytes) -> None:
    match kind:
        case Frame.REJECTED:
            raise payloads.rejection(payload)
        case Frame.FAILED:
            raise payloads.failure(payload)
        case Frame.CRASHED:
            trace = payload.decode("utf-8", "replace")
            raise rejected(Reason.UNREADABLE) from ConfinedCodeCrashed(trace)
        case _:
            return
