"""Counts what requests cost, in this process or in a Redis that all processes share."""

import time
from dataclasses import dataclass, field
from math import ceil
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog
from limits import RateLimitItem

from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from services.gateway.http.ratelimit.counter_memory import BoundedCounters
from services.gateway.http.ratelimit.limit_classes import LimitClass, Limits

if TYPE_CHECKING:
    from services.gateway.http.ratelimit.shared_counters import SharedCounters

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class SpentShare:
    """A share of which one was spent; ``left`` is negative if it was not there any more."""

    limit_class: LimitClass
    key: str
    most: int
    window_s: int
    left: int
    reset_s: int


@dataclass(kw_only=True)
class RateLimiter:
    """The counters of one process. Without ``shared`` each process counts for itself.

    It does so too while Redis does not answer: nobody is refused for that, nor let in for nothing.
    """

    limits: Limits
    metrics: Metrics
    shared: "SharedCounters | None" = None
    _own: BoundedCounters = field(default_factory=BoundedCounters)

    async def spend(self, limit_class: LimitClass, key: str) -> SpentShare | None:
        """Take one of a share, and return what is left of it; None if there is no limit.

        What was not there is not taken.
        """
        item = self.limits.get(limit_class)
        if item is None:
            return None
        name = _name(limit_class, key, item)
        count, until = await self._add(name, item, 1)
        if count > item.amount:
            await self._add(name, item, -1)
            self.metrics.rate_limited_total.labels(limit=str(limit_class)).inc()
        return SpentShare(
            limit_class=limit_class,
            key=key,
            most=item.amount,
            window_s=item.get_expiry(),
            left=item.amount - count,
            reset_s=min(max(1, ceil(until - time.time())), item.get_expiry()),
        )

    async def give_back(self, spent: SpentShare) -> None:
        """Undo what :meth:`spend` did, for nothing came of it."""
        item = self.limits[spent.limit_class]
        await self._add(_name(spent.limit_class, spent.key, item), item, -1)

    async def _add(self, name: str, item: RateLimitItem, amount: int) -> tuple[int, float]:
        """Return what a counter is then, and when it begins anew."""
        if self.shared is not None and not self.shared.is_away:
            try:
                return await self.shared.add(name, item.get_expiry(), amount)
            except Unavailable as error:
                self.metrics.rate_limit_outages_total.inc()
                log.warning("requests are counted in this process alone", error=str(error))
        count = await self._own.incr(name, item.get_expiry(), amount)
        return count, await self._own.get_expiry(name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.shared is not None:
            await self.shared.close()


def _name(limit_class: LimitClass, key: str, item: RateLimitItem) -> str:
    return item.key_for(str(limit_class), key)
