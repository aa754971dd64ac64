"""Turns at something that only so many may do at a time: owners take them one after the other.

Queues of jobs are fair, and what jobs share must be too: somebody's short page would else wait
behind all that somebody else's long ones have still to do.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

OWNER: ContextVar[str] = ContextVar("owner", default="")
"""For whom the current task works. Whoever takes up a job sets it."""


@dataclass
class WaitingByOwner(Generic[T]):
    """Futures of those who wait for something; each gets the value that it is resolved with."""

    _lines: OrderedDict[str, deque["asyncio.Future[T]"]] = field(default_factory=OrderedDict)

    def join(self) -> "asyncio.Future[T]":
        """Return a new future, behind the others of the same owner."""
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(OWNER.get(), deque()).append(waiter)
        return waiter

    def pop(self) -> "asyncio.Future[T] | None":
        """Remove the first of the owner whose turn it is; None if nobody waits any more."""
        while self._lines:
            owner, line = self._lines.popitem(last=False)
            waiter = line.popleft()
            if line:
                self._lines[owner] = line  # behind all other owners
            if not waiter.done():
                return waiter
        return None

    def cancel(self) -> None:
        """Cancel all."""
        while (waiter := self.pop()) is not None:
            waiter.cancel()


@dataclass
class OwnerTurns:
    """Lets ``free`` more in at a time."""

    free: int
    _waiting: WaitingByOwner[None] = field(default_factory=WaitingByOwner)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, which the block then is."""
        await self._wait()
        try:
            yield
        finally:
            self._leave()

    async def _wait(self) -> None:
        if self.free:
            self.free -= 1
            return
        waiter = self._waiting.join()
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        if (waiter := self._waiting.pop()) is not None:
            waiter.set_result(None)
        else:
            self.free += 1
