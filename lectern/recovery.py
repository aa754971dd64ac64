"""Sends again what the embedded broker lost: the event stores are the truth, not the wire.

An event that its producer sent and a consumer never handled is sent again, with the same id. At
start that is everything that was under way when the process was killed; while running, it is what
fell out of the broker's 5 MiB per partition. What only waits in the broker is not lost: nobody
judges before consumers have got as far as there was something at the last look.

Jobs that a killed process held, and its leases, are free again at once: nobody else works in the
data folder, so there is no need to wait until they end. Each of the jobs counts a crash.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from libs.common.database.engine import Database
from libs.common.errors import LecternError
from libs.common.kafka.fetching import Ends
from libs.common.store.inbox import MOST_ASKED, unhandled_ids
from libs.common.store.jobs.due import release_all
from libs.common.store.leases import release_all_leases
from libs.common.store.outbox import ids_in_outbox, send_again
from libs.common.store.resend import (
    SentEvent,
    Sweep,
    events_at,
    events_between,
    keep_settled,
    kept_sweep,
    last_place,
)

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 15.0


@dataclass(kw_only=True)
class StoreProgress:
    """How far the store of one service was looked through.

    Everything up to ``place`` is settled, but for the ``open`` events, which wait in the outbox or
    were sent again. ``newest`` and ``unsent`` are what there was at the last look: what was sent by
    then, and is not handled now, is lost.
    """

    place: int
    newest: int | None = None
    unsent: set[int] = field(default_factory=set)
    open: set[int] = field(default_factory=set)
    kept: int | None = None

    @property
    def settled(self) -> int:
        """The place up to which all is settled without exception."""
        return min(self.open, default=self.place + 1) - 1


class Consumption(Protocol):
    """How far the consumers of this process are."""

    def ends(self) -> Ends:
        """Return where partitions end now."""

    def handled_until(self, ends: Ends) -> bool:
        """Whether all that there was up to ``ends`` is handled."""


class Sweeper:
    """Sends again what got lost between services: at start all of it, then what came since.

    ``consumption`` tells how far consumers are; without it they are taken for being at the end.

    ``consumed`` maps each service to the topics that it consumes. A look costs what is not settled
    and not what is stored: the place up to which all is settled is kept in each service's database,
    and only one process writes there, so no place fills up behind it. All is looked through again
    when there are other consumers, or another database in the place of one.
    """

    def __init__(
        self,
        databases: Mapping[str, Database],
        consumed: Mapping[str, Sequence[str]],
        consumption: Consumption | None = None,
    ) -> None:
        self._databases = databases
        self._consumed = consumed
        self._consumption = consumption
        self._ends: Ends = {}
        self._consumers = ""
        self.progress: dict[str, StoreProgress] = {}

    async def run(self) -> None:
        """Look for what was sent before and never handled: at once, then now and then.

        The first look is at all that earlier processes sent, and the start does not wait for it.
        """
        while True:
            try:
                lost = await self.sweep()
            except LecternError as error:
                log.warning("could not look for lost events", error=str(error))
            except Exception:  # whatever it is, the next look may find what got lost
                log.exception("could not look for lost events")
            else:
                if lost:
                    log.info("sent lost events again", events=lost)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep(self) -> int:
        """Have sent again what some consumer's inbox lacks; return how many events that were.

        The first sweep is about all that was sent, the others about what was by the one before, and
        about nothing while consumers have not come as far.
        """
        if not self.progress:
            await self._begin()
        elif self._consumption and not self._consumption.handled_until(self._ends):
            return 0
        again = sum([await self._sweep_one(name) for name in self._databases])
        if self._consumption:
            self._ends = self._consumption.ends()
        return again

    async def _begin(self) -> None:
        kept: dict[str, Sweep] = {}
        for name, database in self._databases.items():
            async with database.transaction() as connection:
                kept[name] = await kept_sweep(connection)
        births = {name: sweep.born_ms for name, sweep in kept.items()}
        told = json.dumps([births, {name: sorted(all_) for name, all_ in self._consumed.items()}])
        self._consumers = hashlib.sha256(told.encode()).hexdigest()
        for name, sweep in kept.items():
            same = sweep.consumers == self._consumers
            self.progress[name] = StoreProgress(place=sweep.settled if same else 0)

    async def _sweep_one(self, name: str) -> int:
        producer, found = self._databases[name], self.progress[name]
        async with producer.reading() as connection:
            newest, unsent = await last_place(connection), await ids_in_outbox(connection)
        if found.newest is None:
            found.newest = newest
        young = found.unsent | unsent
        lost = await self._look_through(producer, found, found.newest, young)
        found.newest, found.unsent = newest, unsent | set(lost)
        again = 0
        if lost or found.settled != found.kept:
            async with producer.transaction() as connection:
                again = await send_again(connection, lost)
                await keep_settled(connection, found.settled, self._consumers)
            found.kept = found.settled
        return again

    async def _look_through(
        self, producer: Database, found: StoreProgress, until: int, young: set[int]
    ) -> list[int]:
        """Return the places of lost events, and note what is open."""
        lost: list[int] = []
        for places in _portions(sorted(found.open)):
            async with producer.querying() as connection:
                batch = await events_at(connection, places)
            lost += await self._judge(found, batch, young)
        while found.place < until:
            async with producer.querying() as connection:
                batch = await events_between(connection, found.place, until)
            lost += await self._judge(found, batch, young)
            found.place = batch[-1].id if batch else until
        return lost

    async def _judge(
        self, found: StoreProgress, batch: Sequence[SentEvent], young: set[int]
    ) -> list[int]:
        lacking = await self._unhandled(batch)
        found.open.difference_update(event.id for event in batch)
        found.open |= lacking
        return sorted(lacking - young)

    async def _unhandled(self, batch: Sequence[SentEvent]) -> set[int]:
        """Return the places of those events that some service consumes and has not handled."""
        lacking: set[int] = set()
        for consumer, topics in self._consumed.items():
            owed = {event.event_id: event.id for event in batch if event.topic in topics}
            if owed:
                async with self._databases[consumer].reading() as connection:
                    missing = await unhandled_ids(connection, consumer, list(owed))
                lacking |= {owed[event_id] for event_id in missing}
        return lacking


async def release_left(databases: Iterable[Database]) -> int:
    """Give back what a process that is gone was working on, and return how many jobs that were."""
    released = 0
    for database in databases:
        async with database.transaction() as connection:
            released += await release_all(connection)
            await release_all_leases(connection)
    return released


def _portions(places: Sequence[int]) -> Iterator[Sequence[int]]:
    return (places[first : first + MOST_ASKED] for first in range(0, len(places), MOST_ASKED))
