"""Wakes loops of this process when there is something to do: after the commit, and no sooner.

Whoever changes something names what it is about inside the transaction
(:func:`notify_after_commit`); whoever waits for such changes has a :class:`Wakeup` of that name.
What another process commits is heard of where processes tell each other (:mod:`.exchange`),
and found by looking again after a while, so nothing depends on it.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

OUTBOX, JOBS, CANCELLED = "outbox", "jobs", "cancelled"
_KEY = "lectern_notify"


class Wakeup:
    """Wakes a loop of this process. ``notified`` counts how often there was something new."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self.notified = 0

    @property
    def pending(self) -> bool:
        """Whether the next one to wait is woken at once."""
        return self._woken.is_set()

    def notify(self) -> None:
        """Tell of something new: wake whoever waits, or the next one to wait."""
        self.notified += 1
        self._woken.set()

    def wake(self) -> None:
        """Wake whoever waits, or the next one to wait, though there is nothing new."""
        self._woken.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when woken, or after ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return
        finally:
            self._woken.clear()


class Wakeups:
    """Who waits for what, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, set[Wakeup]] = {}
        self._overhearing: list[Callable[[Collection[str]], None]] = []
        self.told: Callable[[set[str]], None] | None = None
        """Called with what was committed here, to tell other processes."""

    @property
    def waiting(self) -> int:
        """How many wakeups are lent now."""
        return sum(map(len, self._by_name.values()))

    def lend(self, name: str) -> Wakeup:
        """Return a wakeup that is notified of ``name`` until it is given back, or for ever."""
        wakeup = Wakeup()
        self._by_name.setdefault(name, set()).add(wakeup)
        return wakeup

    @contextmanager
    def listening(self, name: str) -> Iterator[Wakeup]:
        """Lend a wakeup while the block runs."""
        wakeup = self.lend(name)
        try:
            yield wakeup
        finally:
            self._by_name[name].discard(wakeup)
            if not self._by_name[name]:
                del self._by_name[name]

    def notify(self, names: Collection[str]) -> None:
        """Notify all that wait for any of ``names``, here and wherever it is told to."""
        self.hear(names)
        if self.told is not None:
            self.told(set(names))

    @contextmanager
    def overhearing(self, hear: Callable[[Collection[str]], None]) -> Iterator[None]:
        """Have ``hear`` called with all names that are notified, while the block runs."""
        self._overhearing.append(hear)
        try:
            yield
        finally:
            self._overhearing.remove(hear)

    def hear(self, names: Collection[str]) -> None:
        """Notify all of this process that wait for any of ``names``."""
        for overhear in self._overhearing:
            overhear(names)
        for name in names:
            for wakeup in self._by_name.get(name, ()):
                wakeup.notify()


def notify_after_commit(connection: AsyncConnection, name: str) -> None:
    """Have everybody who waits for ``name`` notified once the transaction is committed."""
    connection.info.setdefault(_KEY, set()).add(name)


def names_to_notify(connection: AsyncConnection) -> set[str]:
    """Return what :func:`notify_after_commit` was told, and forget it."""
    names: set[str] = connection.info.pop(_KEY, None) or set()
    return names
