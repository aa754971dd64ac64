"""Sends again what the embedded broker lost: the event stores are the truth, not the wire.

An event that its producer sent and a consumer never handled is sent again, with the same id. At
start that is everything that was under way when the process was killed; while running, it is what
fell out of the broker's 5 MiB per partition.

Jobs that a killed process held are free again at once: nobody else works in the data folder, so
there is no need to wait until their leases end.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from time import time

import structlog

from libs.common.database.engine import Database
from libs.common.errors import LecternError
from libs.common.store.inbox import unhandled_ids
from libs.common.store.jobs import release_all
from libs.common.store.resend import SentEvent, first_open, sent_events, unsend

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 15.0
LOST_AFTER_S = 10.0
FOR_EVER_MS = 2**62


class Sweeper:
    """Sends again what got lost between services: at start all of it, then what came since.

    ``consumed`` maps each service to the topics that it consumes. ``settled`` is how far in the
    store of each service everything is known to have been handled, so that a sweep costs what is
    new and not what is stored: only one process writes here, so no place fills up behind it.
    """

    def __init__(
        self, databases: Mapping[str, Database], consumed: Mapping[str, Sequence[str]]
    ) -> None:
        self._databases = databases
        self._consumed = consumed
        self._topics = sorted({topic for topics in consumed.values() for topic in topics})
        self.settled = dict.fromkeys(databases, 0)

    async def run(self) -> None:
        """Look for what was sent before and never handled: at once, then now and then.

        The first look is at all that earlier processes sent, and the start does not wait for it.
        """
        before_s = time()
        while True:
            try:
                lost = await self.sweep(int(before_s * 1000))
            except LecternError as error:
                log.warning("could not look for lost events", error=str(error))
            else:
                log.info("looked for lost events", sent_again=lost)
            await asyncio.sleep(SWEEP_EVERY_S)
            before_s = time() - LOST_AFTER_S

    async def sweep(self, sent_before_ms: int | None = None) -> int:
        """Have sent again what some consumer's inbox lacks; return how many events that were.

        With ``sent_before_ms``, only what was sent before this moment.
        """
        before_ms = FOR_EVER_MS if sent_before_ms is None else sent_before_ms
        return sum([await self._sweep_one(name, before_ms) for name in self._databases])

    async def _sweep_one(self, name: str, before_ms: int) -> int:
        producer, after, topics = self._databases[name], self.settled[name], self._topics
        lost: list[int] = []
        last = after
        async with producer.reading() as connection:
            open_one = await first_open(connection, topics, after=after, sent_before_ms=before_ms)
            async for batch in sent_events(
                connection, topics, after=after, sent_before_ms=before_ms
            ):
                lost += await self._unhandled(batch)
                last = batch[-1].id
        first_unsettled = min(place for place in (open_one, *lost[:1], last + 1) if place)
        self.settled[name] = first_unsettled - 1
        if not lost:
            return 0
        async with producer.transaction() as connection:
            return await unsend(connection, lost)

    async def _unhandled(self, batch: Sequence[SentEvent]) -> list[int]:
        """Return the places of those events that some service consumes and has not handled."""
        lost: set[int] = set()
        for consumer, topics in self._consumed.items():
            owed = {event.event_id: event.id for event in batch if event.topic in topics}
            if owed:
                async with self._databases[consumer].reading() as connection:
                    lacking = await unhandled_ids(connection, consumer, list(owed))
                lost |= {owed[event_id] for event_id in lacking}
        return sorted(lost)


async def release_jobs(databases: Iterable[Database]) -> int:
    """Give back what a process that is gone was working on, and return how many jobs that were."""
    released = 0
    for database in databases:
        async with database.transaction() as connection:
            released += await release_all(connection)
    return released
