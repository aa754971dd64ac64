"""Looks for jobs that are due, claims them, and has them done side by side.

look -> make ready what became due -> claim what there is room for -> an attempt at each
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.processing.attempts import Attempts
from libs.common.processing.capacity.backpressure import Backpressure
from libs.common.processing.capacity.isolation import Isolation
from libs.common.processing.capacity.slots import Slots
from libs.common.processing.failures import Failures
from libs.common.processing.job_kind import JobRoute
from libs.common.processing.time_limits import Hung
from libs.common.storage.port import Storage
from libs.common.store.jobs.claiming import SlotRequest, claim, claim_suspect, look
from libs.common.store.jobs.due import make_ready
from libs.common.store.jobs.held_jobs import Claim
from libs.common.store.tombstones import wanted_claims

log = structlog.get_logger(__name__)

ISOLATED_WAIT_S = 0.2
HELD_WAIT_S = 0.02


@dataclass(kw_only=True)
class Worker:
    """The workers of one service in one process.

    ``hung`` is called when a job does not end: the process has to.
    """

    database: Database
    storage: Storage
    service: str
    routes: Sequence[JobRoute]
    metrics: Metrics
    lease_ms: int
    poll_interval_s: float
    isolation: Isolation = field(default_factory=Isolation)
    backpressure: Backpressure = field(default_factory=Backpressure)
    hung: Callable[[], None] = lambda: None
    _draining: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        failures = Failures(
            service=self.service,
            metrics=self.metrics,
            storage=self.storage,
            database=self.database,
        )
        self._attempts = Attempts(
            database=self.database,
            failures=failures,
            metrics=self.metrics,
            lease_ms=self.lease_ms,
            backpressure=self.backpressure,
        )
        self._by_kind = {route.kind.name: route for route in self.routes}

    async def run(self) -> None:
        """Work until :meth:`drain` is called; jobs still running when cancelled are given back."""
        wakeup = self.database.jobs_wakeup
        slots = Slots(self.routes, wakeup, self.poll_interval_s)
        async with asyncio.TaskGroup() as group:
            while not self._draining.is_set():
                held_up = self.backpressure.waiting()
                if self.isolation.is_wanted:
                    await wakeup.wait(min(ISOLATED_WAIT_S, self.poll_interval_s))
                elif not await self._begin(group, slots, held_up):
                    await wakeup.wait(HELD_WAIT_S if held_up else self.poll_interval_s)

    def drain(self) -> None:
        """Claim nothing more; :meth:`run` returns when the running jobs are done."""
        self._draining.set()
        self.database.jobs_wakeup.notify()

    async def _begin(self, group: asyncio.TaskGroup, slots: Slots, held_up: frozenset[str]) -> bool:
        """Begin what there is room for, but for owners who are ``held_up``; False: nothing."""
        requests = slots.requests(held_up)
        if not requests:
            return False
        try:
            return await self._begin_some(group, slots, requests)
        except Unavailable as error:
            log.warning("cannot claim jobs", error=str(error))
            return False

    async def _begin_some(
        self, group: asyncio.TaskGroup, slots: Slots, requests: Sequence[SlotRequest]
    ) -> bool:
        kinds = list(self._by_kind)
        async with self.database.querying() as connection:
            outlook = await look(connection, kinds)
        if outlook.due:
            async with self.database.transaction() as connection:
                await make_ready(connection, kinds)
            async with self.database.querying() as connection:
                outlook = await look(connection, kinds)
        for kind in outlook.suspects:
            await self._run_alone(kind)
        begun = 0
        for request in requests:
            claimed = await self._claim(request) if request.kind in outlook.ready else []
            slots.took(request, claimed)
            begun += len(claimed)
            for held in claimed:
                self.backpressure.began(held.owner)
                group.create_task(self._in_slot(held, slots))
        return begun > 0 or bool(outlook.suspects)

    async def _claim(self, request: SlotRequest) -> list[Claim]:
        """Claim jobs, each of which is at work from now on."""
        if self.isolation.is_wanted:
            return []
        self.isolation.enter()
        try:
            while True:
                async with self.database.transaction() as connection:
                    claimed = await claim(connection, request, self.lease_ms)
                    wanted = await wanted_claims(connection, claimed)
                if wanted or not claimed:
                    break
            for _ in wanted:
                self.isolation.enter()
            return wanted
        finally:
            self.isolation.leave()

    async def _in_slot(self, held: Claim, slots: Slots) -> None:
        try:
            await self._work_on(held)
        finally:
            self.isolation.leave()
            slots.give_back(held)

    async def _run_alone(self, kind: str) -> None:
        """Work on a job that is suspected of having ended its process, and on nothing else."""
        async with self.isolation.alone():
            if self._draining.is_set():
                return
            async with self.database.transaction() as connection:
                suspect = await claim_suspect(connection, kind, self.lease_ms)
                wanted = await wanted_claims(connection, [suspect] if suspect else [])
            for held in wanted:
                log.warning("a job runs alone", kind=kind, job=held.id, crashes=held.crashes)
                await self._work_on(held)

    async def _work_on(self, held: Claim) -> None:
        try:
            await self._attempts.work_on(held, self._by_kind[held.kind])
        except Hung:
            self.hung()
