"""How a service is: what it waits for, its health, and the gauges that are read when asked for."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.exc import DBAPIError

from libs.common.errors import LecternError, Unavailable
from libs.common.kafka.pausing import PausedPartitions
from libs.common.kafka.sender import Sender
from libs.common.observability.health import Health
from libs.common.runtime.service_parts import ServiceParts
from libs.common.store.jobs.counting import JobCounts, counts
from libs.common.store.outbox import count_refused, count_unsent

BROKER_PATIENCE_S = 1.0


class Condition:
    """That of one service. ``hindrance`` is why it is not ready; what it says is for people."""

    def __init__(self, parts: ServiceParts, sender: Sender, paused: PausedPartitions) -> None:
        self._parts = parts
        self._sender = sender
        self._paused = paused
        self._topics_missing: list[str] = []
        self.ready = asyncio.Event()
        self._consuming = False
        self.hindrance: LecternError = Unavailable("starting")
        self.health = Health(
            {
                "database": parts.database.check,
                "broker": self._check_broker if parts.works else None,
                "storage": parts.storage.check,
                "config": self._check_started,
                **parts.checks,
            },
            timeout_s=parts.common.health_check_timeout_seconds,
        )

    @contextmanager
    def works(self) -> Iterator[None]:
        """Say that the service works, while the block runs; it stays ready while it drains."""
        self.ready.set()
        self._consuming = self._parts.works and bool(self._parts.routes)
        try:
            yield
        finally:
            self._consuming = False

    async def topics_ready(self) -> None:
        """Raise Unavailable unless all topics of the service are there."""
        wanted = {route.event.topic for route in self._parts.routes}
        wanted |= {event.topic for event in self._parts.publishes}
        self._topics_missing = await self._sender.missing_topics(wanted)
        if self._topics_missing:
            raise Unavailable(
                f"{len(self._topics_missing)} topics are missing: run `lectern topics create`"
            )

    async def refresh_gauges(self) -> None:
        """Set the gauges to what is true now; to no number where nobody can tell."""
        metrics = self._parts.metrics
        if not self._parts.works:  # the process that does tells, and once is enough
            metrics.consumer_up.set(math.nan)
            return
        kinds = [route.kind.name for route in self._parts.work]
        metrics.consumer_up.set(float(await self._reads_topics()))
        waiting, refused = math.nan, math.nan
        found = JobCounts.unknown(kinds)
        with suppress(Unavailable, DBAPIError):
            async with self._parts.database.reading() as connection:
                found = await counts(connection, kinds)
                waiting = await count_unsent(connection)
                refused = await count_refused(connection)
        metrics.outbox_unsent.set(waiting)
        metrics.outbox_refused.set(refused)
        metrics.jobs_ready.set(found.ready)
        metrics.jobs_running.set(found.running)
        for kind, age_s in found.oldest_s.items():
            metrics.jobs_oldest_seconds.labels(kind=kind).set(age_s)

    async def _reads_topics(self) -> bool:
        if not self._consuming:
            return False
        try:
            async with asyncio.timeout(BROKER_PATIENCE_S):
                await self._sender.missing_topics(())
        except (Unavailable, TimeoutError):
            return False
        return True

    async def _check_broker(self) -> str | None:
        """Return what is paused: the service is ready all the same, for all the rest."""
        if self._topics_missing:
            await self.topics_ready()
        await self._sender.missing_topics(())
        return self._paused.sentence()

    async def _check_started(self) -> None:
        """Say what the start still waits for, such as tables or topics that have to be made."""
        if not self.ready.is_set():
            raise Unavailable(str(self.hindrance))
