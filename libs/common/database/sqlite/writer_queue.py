"""Whose turn it is to write to a SQLite file: one at a time, and those first whom people wait for.

In one process a consumer's transactions follow one another without a pause. In the order in which
they came, a request would wait behind all of them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

URGENT_IN_A_ROW = 8
"""Then one of the others has its turn, however many are urgent."""


class WriterQueue:
    """Of one file in one process."""

    def __init__(self) -> None:
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(not called.done() for called in (*self._urgent, *self._others))

    @asynccontextmanager
    async def turn(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """Have the turn while the block runs."""
        await self._wait(self._urgent if urgent else self._others)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._taken:
            self._taken = True
            return
        called = asyncio.get_running_loop().create_future()
        queue.append(called)
        try:
            await called
        except asyncio.CancelledError:
            if not called.cancelled():  # its turn has come, and it will not take it
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        prefer_others = self._in_a_row >= URGENT_IN_A_ROW
        queues = [self._urgent, self._others]
        for queue in reversed(queues) if prefer_others else queues:
            while queue:
                called = queue.popleft()
                if not called.done():  # else it has given up
                    self._in_a_row = self._in_a_row + 1 if queue is self._urgent else 0
                    called.set_result(None)
                    return
        self._taken = False
        self._in_a_row = 0
