"""Runs leased jobs: claims, renews, finishes, retries, gives up.

    claim -> run (renewed every third of the lease) -> [job done + effects] in one transaction

A worker whose lease was taken is cancelled, and could not write even if it went on. One whose job
was cancelled in this process is told at once.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import structlog
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.backoff import delay_s
from libs.common.database.engine import Database
from libs.common.database.wakeups import CANCELLED
from libs.common.errors import (
    Conflict,
    LecternError,
    Permanent,
    Throttled,
    Transient,
    Unavailable,
    UnknownVersion,
)
from libs.common.observability.metrics import Metrics
from libs.common.observability.telemetry import current_traceparent, span_from
from libs.common.processing.failures import Failures, Task, code_of
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.processing.slots import Slots
from libs.common.storage.port import Storage
from libs.common.store import jobs
from libs.common.store.effects import Effect, apply
from libs.common.store.tombstones import is_wanted, wanted_claims

log = structlog.get_logger(__name__)

RETRY_BASE_S = 2.0
UPGRADE_WAIT_S = 30.0
"""Between looks at work that only a newer release can do."""
MAX_COMMITS = 5
ENDED = ("done", "failed")
"""Outcomes of an attempt after which there is no other one."""


class LeaseLost(Exception):
    """Another worker holds the job now, or it was cancelled."""


@dataclass(kw_only=True)
class Worker:
    """The workers of one service in one process."""

    database: Database
    storage: Storage
    service: str
    routes: Sequence[JobRoute]
    metrics: Metrics
    lease_ms: int
    poll_interval_s: float
    _draining: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._failures = Failures(
            service=self.service,
            metrics=self.metrics,
            storage=self.storage,
            database=self.database,
        )

    async def run(self) -> None:
        """Work until :meth:`drain` is called; jobs still running when cancelled are given back."""
        by_kind = {route.kind.name: route for route in self.routes}
        wakeup = self.database.jobs_wakeup
        free = {route.kind.name: route.slots for route in self.routes}
        slots = Slots(free, wakeup, self.poll_interval_s)
        async with asyncio.TaskGroup() as group:
            while not self._draining.is_set():
                wanted = slots.wanted()
                claimed = await self._claim(wanted)
                slots.took(wanted, claimed)
                for held in claimed:
                    group.create_task(self._in_slot(held, by_kind[held.kind], slots))
                if not claimed:
                    await wakeup.wait(self.poll_interval_s)

    def drain(self) -> None:
        """Claim nothing more; :meth:`run` returns when the running jobs are done."""
        self._draining.set()
        self.database.jobs_wakeup.notify()

    async def _claim(self, wanted: dict[str, int]) -> list[jobs.Claim]:
        """Claim as many jobs as there is room for whatever their kinds are."""
        if not wanted:
            return []
        limit = min(wanted.values())
        try:
            async with self.database.transaction() as connection:
                claimed = await jobs.claim(connection, list(wanted), self.lease_ms, limit)
                return await wanted_claims(connection, claimed)
        except Unavailable as error:
            log.warning("cannot claim jobs", error=str(error))
            return []

    async def _in_slot(self, held: jobs.Claim, route: JobRoute, slots: Slots) -> None:
        """Work on a job; whatever goes wrong with it is no matter of the others."""
        try:
            await self._work_on(held, route)
        except Exception:
            self._bug("a job could not be finished", held)  # its lease ends by itself
        finally:
            slots.give_back(held.kind)

    async def _work_on(self, held: jobs.Claim, route: JobRoute) -> None:
        started = perf_counter()
        outcome = "done"
        with span_from(held.traceparent, f"job {route.kind.name}", job_id=held.id):
            try:
                await self._run_leased(held, route)
            except LeaseLost:
                outcome = "lost"
                log.info("lease lost", kind=held.kind, job=held.id)
            except asyncio.CancelledError:
                await asyncio.shield(self._give_back(held))
                raise
            except Exception as error:
                outcome = await self._failed(held, route, error)
        self.metrics.job_seconds.labels(kind=route.kind.name, outcome=outcome).observe(
            perf_counter() - started
        )
        if outcome in ENDED:
            self.metrics.job_attempts.labels(kind=route.kind.name).observe(held.attempts)

    async def _run_leased(self, held: jobs.Claim, route: JobRoute) -> None:
        if held.attempts > held.max_attempts:
            raise Permanent("the work stopped its worker every time it was tried")
        traceparent = current_traceparent()

        async def renew(connection: AsyncConnection) -> bool:
            renewed = await jobs.renew(connection, held, self.lease_ms)
            return renewed and await is_wanted(connection, held)

        async def finish(connection: AsyncConnection) -> bool:
            return await jobs.finish(connection, held) and await is_wanted(connection, held)

        async def record(effects: Sequence[Effect]) -> None:
            await self._commit(renew, effects, traceparent)

        job = Job(
            id=held.id,
            payload=route.kind.read(held.payload),
            attempt=held.attempts,
            record=record,
        )
        effects = await self._while_renewing(held, route.run(job))
        await self._commit(finish, effects, traceparent)

    async def _commit(
        self,
        change: Callable[[AsyncConnection], Awaitable[bool]],
        effects: Sequence[Effect],
        traceparent: str | None,
    ) -> None:
        """Change the job and carry out ``effects`` in one transaction.

        If a stream moved on meanwhile, all of it is done again on top of what was appended.

        Raises:
            LeaseLost: ``change`` returned False.
            Transient: A stream moved on every time.
        """
        for _ in range(MAX_COMMITS):
            try:
                async with self.database.transaction() as connection:
                    if not await change(connection):
                        raise LeaseLost
                    appended = await apply(connection, effects, traceparent)
                self.metrics.events_appended_total.inc(appended)
                return
            except Conflict as error:
                log.info("a stream moved on", error=str(error))
                await asyncio.sleep(0)
        raise Transient(f"a stream moved on {MAX_COMMITS} times while a job was recorded")

    async def _while_renewing(
        self, held: jobs.Claim, running: Awaitable[Sequence[Effect]]
    ) -> Sequence[Effect]:
        task = asyncio.ensure_future(running)
        try:
            with self.database.wakeups.listening(CANCELLED) as cancelled:
                task.add_done_callback(lambda _: cancelled.wake())
                while not task.done():
                    await cancelled.wait(self.lease_ms / 3000)
                    if not task.done() and not await self._renewed(held):
                        raise LeaseLost
            return task.result()
        finally:
            if not task.done():
                task.cancel()
            # Also of one that failed just now: asyncio would log what nobody has looked at.
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    async def _renewed(self, held: jobs.Claim) -> bool:
        try:
            async with self.database.transaction() as connection:
                renewed = await jobs.renew(connection, held, self.lease_ms)
                return renewed and await is_wanted(connection, held)
        except Unavailable as error:
            log.warning("cannot renew a lease", job=held.id, error=str(error))
            return True  # if it was lost meanwhile, the end of the job is refused

    async def _give_back(self, held: jobs.Claim) -> None:
        with contextlib.suppress(Unavailable):
            async with self.database.transaction() as connection:
                await jobs.give_back(connection, held)

    async def _failed(self, held: jobs.Claim, route: JobRoute, error: Exception) -> str:
        if isinstance(error, UnknownVersion):
            return await self._postpone(held, error)
        hopeless = isinstance(error, Permanent) and not isinstance(error, Conflict)
        final = hopeless or held.attempts >= held.max_attempts
        if not isinstance(error, LecternError):
            self._bug("job failed unexpectedly", held)
        if not final:
            return await self._retry(held, error)
        return await self._give_up(held, route, error)

    async def _retry(self, held: jobs.Claim, error: Exception) -> str:
        wait_s = delay_s(held.attempts, base_s=RETRY_BASE_S)
        if isinstance(error, Throttled) and error.retry_after_s:
            wait_s = max(wait_s, error.retry_after_s)
        log.warning("job will be retried", kind=held.kind, job=held.id, code=code_of(error))
        with contextlib.suppress(Unavailable):  # else the lease ends by itself
            async with self.database.transaction() as connection:
                await jobs.retry(connection, held, int(wait_s * 1000), type(error).__name__)
        return "retried" if isinstance(error, Transient | Conflict) else "retried_bug"

    async def _postpone(self, held: jobs.Claim, error: UnknownVersion) -> str:
        """Leave the job to a newer release, which may already run beside this one."""
        log.error(
            "a job waits for a newer release of this service",
            kind=held.kind,
            job=held.id,
            error=str(error),
            what_to_do="upgrade this service",
        )
        with contextlib.suppress(Unavailable):  # else the lease ends by itself
            async with self.database.transaction() as connection:
                later_ms = int(UPGRADE_WAIT_S * 1000)
                await jobs.postpone(connection, held, later_ms, type(error).__name__)
        return "postponed"

    async def _give_up(self, held: jobs.Claim, route: JobRoute, error: Exception) -> str:
        if not await self._renewed(held):
            return "lost"  # nobody wants to know why
        about = self._payload(held, route)
        task = Task(kind=held.kind, name=str(held.id), about=about, attempts=held.attempts)
        effects = await self._failures.given_up(task, error, route.kind.gave_up)

        async def fail(connection: AsyncConnection) -> bool:
            failed = await jobs.fail(connection, held, type(error).__name__)
            return failed and await is_wanted(connection, held)

        try:
            await self._commit(fail, effects, current_traceparent())
        except (Transient, LeaseLost):
            return "lost"  # its lease ends by itself
        return "failed"

    def _payload(self, held: jobs.Claim, route: JobRoute) -> BaseModel | None:
        """Return the payload, None if it cannot be read, as after a release that changed it."""
        try:
            payload: BaseModel = route.kind.read(held.payload)
            return payload
        except Exception:
            self._bug("the payload of a job cannot be read", held)
            return None

    def _bug(self, what: str, held: jobs.Claim) -> None:
        self._failures.bug(what, held.kind, str(held.id))
