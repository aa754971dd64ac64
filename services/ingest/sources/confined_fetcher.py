"""Fetches web addresses in processes of their own, confined, which the fetch server forks.

``async with ConfinedFetcher(...) as fetcher`` stops the server at the end; it is started with the
first web address, and again if it died.
"""

import asyncio
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from libs.common.errors import Transient
from libs.common.observability.metrics import Metrics
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.sandbox import payloads
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.fork_client import ForkClient
from services.ingest.sandbox.forked_process import EndedWithoutResult, ForkedProcess
from services.ingest.sandbox.frames import Frame

PROGRAM = "services.ingest.sources.fetch_server"
GRACE_SECONDS = 5.0
"""After its own deadline, a process that does not answer is killed."""

MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 30
OPEN_FILES = 32


@dataclass(frozen=True, kw_only=True)
class FetchLimits:
    """See :class:`services.ingest.sources.fetch.WebFetcher`."""

    max_bytes: int
    timeout_seconds: float
    allow_private: bool
    ports: tuple[int, ...]


class ConfinedFetcher:
    """Any number of web addresses at a time, each fetched by a child process.

    Where ``required``, none is as long as a layer of the sandbox is missing.
    """

    def __init__(
        self, limits: FetchLimits, *, required: bool = False, metrics: Metrics | None = None
    ) -> None:
        self.client = ForkClient("fetcher", PROGRAM, required=required, metrics=metrics)
        self._limits = limits
        self._of_process = Limits(
            memory_bytes=MEMORY_BYTES,
            cpu_seconds=CPU_SECONDS,
            open_files=OPEN_FILES,
            file_bytes=limits.max_bytes,
            niceness=0,  # a website does not wait for us
        )

    async def __aenter__(self) -> Self:
        """Start nothing yet."""
        await self.client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server and whatever is being fetched."""
        await self.client.__aexit__(kind, error, traceback)

    async def check(self) -> str | None:
        """Return what is missing of the sandbox, None as long as nothing was fetched.

        Raises:
            Unavailable: It is required.
        """
        return self.client.check()

    async def fetch(self, url: str, path: Path) -> str | None:
        """Store what ``url`` answers at ``path``; return the file name that it goes by, if any.

        Raises:
            Rejected: The address is invalid, not public, not there, or answers too much.
            Transient: It does not answer in time, or the fetching process was stopped.
        """
        request = {"url": url, **asdict(self._limits)}
        with await asyncio.to_thread(path.open, "wb") as file:
            process = await self.client.fork(file.fileno(), request, self._of_process)
        try:
            return await self._answer(process)
        finally:
            process.end()

    async def _answer(self, process: ForkedProcess) -> str | None:
        await process.started()
        try:
            kind, payload = await process.frame(self._limits.timeout_seconds + GRACE_SECONDS)
        except TimeoutError:
            raise Transient("the website does not answer in time") from None
        except EndedWithoutResult as died:
            if died.signal == signal.SIGKILL:  # by none of its limits, so the machine's or people's
                raise Transient("the fetching process was stopped") from died
            raise died.rejection() from died
        await process.finish()
        try:
            if kind is Frame.FETCHED:
                return payloads.fetched(payload)
        except ValueError as error:
            raise rejected(Reason.UNREADABLE) from error
        raise rejected(Reason.UNREADABLE)
