"""How long one attempt at a job may take.

soft limit   it is cancelled, and ends what it does in subprocesses
hard limit   it went on all the same: the process that it runs in has to end
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from libs.common.errors import Transient

T = TypeVar("T")


def nothing() -> float:
    """Return 0.0: all the time counts."""
    return 0.0


class TooSlow(Transient):
    """An attempt took longer than its kind of job may."""

    code = "timeout"


class Hung(Exception):
    """A job did not end though it was cancelled; it may be waiting for a thread for ever."""


@dataclass(frozen=True)
class TimeLimits:
    """Seconds from the beginning of an attempt. Raises ValueError unless 0 < soft < hard."""

    soft_s: float
    hard_s: float

    def __post_init__(self) -> None:
        if not 0 < self.soft_s < self.hard_s:
            raise ValueError(f"no time limits: soft {self.soft_s} s, hard {self.hard_s} s")

    async def run(self, running: Awaitable[T], kept_waiting: Callable[[], float] = nothing) -> T:
        """Return what ``running`` returns, or raise what it raises, if it does so in time.

        ``kept_waiting`` returns for how many seconds others kept it waiting; they do not count.

        Raises:
            TooSlow: It was cancelled at the soft limit.
            Hung: It did not end, neither at the soft limit nor when this was cancelled.
        """
        task = asyncio.ensure_future(running)
        try:
            await self._wait(task, kept_waiting)
        finally:
            in_time = task.done()
            if not in_time:
                await self._cancel(task)
        if in_time or not (task.cancelled() or task.exception()):
            return task.result()
        raise TooSlow(f"it took longer than {self.soft_s:g} s")

    async def _wait(self, task: "asyncio.Future[T]", kept_waiting: Callable[[], float]) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while (left := begun + self.soft_s + kept_waiting() - loop.time()) > 0:
            done, _ = await asyncio.wait({task}, timeout=left)
            if done:
                return

    async def _cancel(self, task: "asyncio.Future[T]") -> None:
        task.cancel()
        await asyncio.wait({task}, timeout=self.hard_s - self.soft_s)
        if not task.done():
            raise Hung
