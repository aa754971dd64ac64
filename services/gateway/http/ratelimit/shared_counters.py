"""Counters in a Redis or Valkey that all processes share. Only who has one loads its client."""

import asyncio
import time
from collections.abc import Callable

from limits.aio.storage import RedisStorage, Storage
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from libs.common.errors import Unavailable

ANSWER_S = 0.25
"""Longest that a request waits for an answer."""
AWAY_S = 5.0
"""For so long nobody asks again what did not answer."""
NAMESPACE = "lectern"


class SharedCounters:
    """The storage of the limits library on a server, which may be away."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        scheme, separator, rest = url.partition("://")
        known = f"{scheme.replace('valkey', 'redis')}{separator}{rest}"
        self._pool = ConnectionPool.from_url(
            known, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
        )
        self.storage: Storage = RedisStorage(
            f"async+{known}",
            implementation="redispy",
            key_prefix=NAMESPACE,
            connection_pool=self._pool,  # type: ignore[arg-type]
        )
        self._clock = clock
        self._away_until = 0.0

    @property
    def is_away(self) -> bool:
        """Whether it did not answer a moment ago."""
        return self._clock() < self._away_until

    async def add(self, key: str, window_s: int, amount: int) -> tuple[int, float]:
        """Add to a counter; return its value, and when it begins anew, in seconds since the epoch.

        Raises:
            Unavailable: There is no answer within ``ANSWER_S``. Nobody is to ask again for a while.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                count = await self.storage.incr(key, window_s, amount)
                return count, await self.storage.get_expiry(key)
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = self._clock() + AWAY_S
            raise Unavailable(f"the counters of requests: {type(error).__name__}") from error

    async def state(self) -> str | None:
        """Return what people should know of it: a check of readiness, which it does not decide."""
        if await self.storage.check():
            return None
        return "does not answer; each process counts requests for itself"

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
