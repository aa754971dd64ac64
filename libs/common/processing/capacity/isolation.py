"""Running a job alone: nothing else is at work in this process meanwhile.

If the process dies of it, no other job is suspected. Workers that share a process share one of
these.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Isolation:
    """Counts who is at work, and keeps others from beginning while one is to be alone."""

    def __init__(self) -> None:
        self._at_work = 0
        self._alone = asyncio.Lock()
        self._nobody = asyncio.Event()
        self._nobody.set()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody is alone, or waits for it: nothing may be begun."""
        return self._alone.locked()

    def enter(self) -> None:
        """Begin to work; whoever wants to be alone waits until :meth:`leave`."""
        self._at_work += 1
        self._nobody.clear()

    def leave(self) -> None:
        """Have finished."""
        self._at_work -= 1
        if not self._at_work:
            self._nobody.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep others from beginning, and run the block once nobody is at work."""
        async with self._alone:
            await self._nobody.wait()
            yield
