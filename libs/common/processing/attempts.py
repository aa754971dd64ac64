"""One attempt at a leased job: renewed, finished, retried or given up.

    run (renewed every third of the lease) -> [job done + effects] in one transaction

A worker whose lease was taken is cancelled, and could not write even if it went on. One whose job
was cancelled in this process is told at once.
"""

import asyncio
import contextlib
import itertools
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
from libs.common.processing.capacity.backpressure import Backpressure
from libs.common.processing.capacity.owner_turns import OWNER
from libs.common.processing.failures import Failures, Task, code_of
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.processing.time_limits import Hung, TooSlow
from libs.common.store.effects import Effect, apply
from libs.common.store.jobs import held_jobs
from libs.common.store.jobs.held_jobs import Claim
from libs.common.store.tombstones import is_wanted

log = structlog.get_logger(__name__)

RETRY_BASE_S = 2.0
UPGRADE_WAIT_S = 30.0
"""Between looks at work that only a newer release can do."""
MAX_COMMITS = 5
MAX_CRASHES = 3
MAX_TIMEOUTS = 3
ENDED = ("done", "failed")
"""Outcomes of an attempt after which there is no other one."""


class LeaseLost(Exception):
    """Another worker holds the job now, or it was cancelled."""


class Crashed(Permanent):
    """The process ended each time in the middle of this job, though nothing else ran at last."""

    code = "crashed"


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Those of one worker."""

    database: Database
    failures: Failures
    metrics: Metrics
    lease_ms: int
    backpressure: Backpressure = field(default_factory=Backpressure)

    async def work_on(self, held: Claim, route: JobRoute) -> None:
        """Work on a job; whatever goes wrong with it is no matter of the others.

        Raises:
            Hung: It does not end; its lease will.
        """
        try:
            await self._work_on(held, route)
        except Hung:
            log.critical("a job does not end", kind=held.kind, job=held.id)
            raise
        except Exception:
            self._bug("a job could not be finished", held)  # its lease ends by itself

    async def _work_on(self, held: Claim, route: JobRoute) -> None:
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
            except Hung:
                raise
            except Exception as error:
                outcome = await self._failed(held, route, error)
        self.metrics.job_seconds.labels(kind=route.kind.name, outcome=outcome).observe(
            perf_counter() - started
        )
        if outcome in ENDED:
            self.metrics.job_attempts.labels(kind=route.kind.name).observe(held.attempts)

    async def _run_leased(self, held: Claim, route: JobRoute) -> None:
        if held.crashes >= MAX_CRASHES:
            raise Crashed("the work stopped its worker every time it was tried")
        traceparent = current_traceparent()

        async def progress(connection: AsyncConnection) -> bool:
            got_on = await held_jobs.progress(connection, held, self.lease_ms)
            return got_on and await is_wanted(connection, held)

        async def finish(connection: AsyncConnection) -> bool:
            return await held_jobs.end(connection, held) and await is_wanted(connection, held)

        recorded = itertools.count()
        waited: list[float] = []

        async def record(effects: Sequence[Effect]) -> None:
            waited.append(await self.backpressure.room(next(recorded)))
            await self._commit(progress, effects, traceparent)

        job = Job(
            id=held.id,
            payload=route.kind.read(held.payload),
            attempt=held.attempts,
            record=record,
        )
        OWNER.set(held.owner)  # of this attempt's task, and of all that it starts
        running = route.kind.limits.run(route.run(job), kept_waiting=lambda: sum(waited))
        effects = await self._while_renewing(held, running)
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
        self, held: Claim, running: Awaitable[Sequence[Effect]]
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
            await asyncio.wait({task})
            # Of one that failed just now too: asyncio would log what nobody has looked at.
            if not task.cancelled() and isinstance(hung := task.exception(), Hung):
                raise hung

    async def _renewed(self, held: Claim) -> bool:
        try:
            async with self.database.transaction() as connection:
                renewed = await held_jobs.renew(connection, held, self.lease_ms)
                return renewed and await is_wanted(connection, held)
        except Unavailable as error:
            log.warning("cannot renew a lease", job=held.id, error=str(error))
            return True  # if it was lost meanwhile, the end of the job is refused

    async def _give_back(self, held: Claim) -> None:
        with contextlib.suppress(Unavailable):
            async with self.database.transaction() as connection:
                await held_jobs.give_back(connection, held)

    async def _failed(self, held: Claim, route: JobRoute, error: Exception) -> str:
        if isinstance(error, UnknownVersion):
            return await self._postpone(held, error)
        hopeless = isinstance(error, Permanent) and not isinstance(error, Conflict)
        most = (
            min(held.max_attempts, MAX_TIMEOUTS)
            if isinstance(error, TooSlow)
            else held.max_attempts
        )
        final = hopeless or held.attempts >= most
        if not isinstance(error, LecternError):
            self._bug("job failed unexpectedly", held)
        if not final:
            return await self._retry(held, error)
        return await self._give_up(held, route, error)

    async def _retry(self, held: Claim, error: Exception) -> str:
        wait_s = delay_s(held.attempts, base_s=RETRY_BASE_S)
        if isinstance(error, Throttled) and error.retry_after_s:
            wait_s = max(wait_s, error.retry_after_s)
        log.warning("job will be retried", kind=held.kind, job=held.id, code=code_of(error))
        with contextlib.suppress(Unavailable):  # else the lease ends by itself
            async with self.database.transaction() as connection:
                await held_jobs.retry(connection, held, int(wait_s * 1000), type(error).__name__)
        return "retried" if isinstance(error, Transient | Conflict) else "retried_bug"

    async def _postpone(self, held: Claim, error: UnknownVersion) -> str:
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
                await held_jobs.postpone(connection, held, later_ms, type(error).__name__)
        return "postponed"

    async def _give_up(self, held: Claim, route: JobRoute, error: Exception) -> str:
        if not await self._renewed(held):
            return "lost"  # nobody wants to know why
        about = self._payload(held, route)
        task = Task(kind=held.kind, name=str(held.id), about=about, attempts=held.attempts)
        effects = await self.failures.given_up(task, error, route.kind.gave_up)

        async def end(connection: AsyncConnection) -> bool:
            return await held_jobs.end(connection, held) and await is_wanted(connection, held)

        try:
            await self._commit(end, effects, current_traceparent())
        except (Transient, LeaseLost):
            return "lost"  # its lease ends by itself
        return "failed"

    def _payload(self, held: Claim, route: JobRoute) -> BaseModel | None:
        """Return the payload, None if it cannot be read, as after a release that changed it."""
        try:
            payload: BaseModel = route.kind.read(held.payload)
            return payload
        except Exception:
            self._bug("the payload of a job cannot be read", held)
            return None

    def _bug(self, what: str, held: Claim) -> None:
        self.failures.bug(what, held.kind, str(held.id))
