"""Counters in the memory of this process, as many as there is room for."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from limits.aio.storage import Storage

MOST_COUNTERS = 50_000
"""At 300 bytes each, 15 MB."""


@dataclass
class Counter:
    """How many there were, until which moment they are counted."""

    count: int
    until: float


class BoundedCounters(Storage):
    """The storage of the limits library for one process, in which a request costs microseconds.

    The library's own goes through all keys at each request, and keeps as many as strangers make up.
    Here the counter that was raised longest ago makes room for a new one.
    """

    STORAGE_SCHEME = None

    def __init__(self, most: int = MOST_COUNTERS, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._most = most
        self._clock = clock
        self._counters: OrderedDict[str, Counter] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What it may raise: nothing."""
        return ValueError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add ``amount`` to a counter, which is new after ``expiry`` seconds; return its value."""
        counter = self._found(key)
        if counter is None:
            counter = self._counters[key] = Counter(0, self._clock() + expiry)
        self._counters.move_to_end(key)
        counter.count = max(0, counter.count + amount)
        while len(self._counters) > self._most:
            self._counters.popitem(last=False)
        return counter.count

    async def get(self, key: str) -> int:
        """Return the value of a counter."""
        counter = self._found(key)
        return 0 if counter is None else counter.count

    async def get_expiry(self, key: str) -> float:
        """Return when a counter begins anew, in seconds since the epoch."""
        counter = self._found(key)
        return self._clock() if counter is None else counter.until

    async def check(self) -> bool:
        """Return that it can be used."""
        return True

    async def clear(self, key: str) -> None:
        """Begin a counter anew."""
        self._counters.pop(key, None)

    async def reset(self) -> int | None:
        """Begin all counters anew, and return how many there were."""
        found = len(self._counters)
        self._counters.clear()
        return found

    def _found(self, key: str) -> Counter | None:
        counter = self._counters.get(key)
        if counter is not None and counter.until <= self._clock():
            del self._counters[key]
            return None
        return counter
