"""Objects that are stored before the transaction that takes them into a document.

    deadline recorded -> object stored -> taken: [event + deadline withdrawn] in one transaction

A process that is killed in between leaves a job that removes the object when the deadline has
passed. Whichever of the two comes first, taking or removing, keeps the other from happening: both
change the row of the job. Keys are never used twice, so nothing else can be removed by it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.errors import LecternError, Rejected
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.store.effects import Effect, Step
from libs.common.store.withdrawal import is_recorded, withdraw
from services.gateway.kernel.jobs import REMOVE_PENDING, RemovePendingJob, removal
from services.gateway.kernel.record import Kernel

GRACE_S = 600.0
"""A call that was under way at the end of an upload has failed by then."""


def too_slow() -> Rejected:
    """Return the refusal of what came too late."""
    return Rejected("too_slow", "This took too long to arrive; send it again.")


def taken(*keys: str) -> Step:
    """Take objects into the document, in the transaction that records its event.

    Raises:
        Rejected: With code ``too_slow``, after the deadline.
    """

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        subjects = [RemovePendingJob(key=key).subject for key in keys]
        if not await withdraw(connection, REMOVE_PENDING.name, *subjects):
            raise too_slow()
        return []

    return step


@dataclass(frozen=True)
class PendingObjects:
    """Those of one kernel."""

    kernel: Kernel

    @asynccontextmanager
    async def storing(self, *keys: str) -> AsyncIterator[None]:
        """Record a deadline for objects; if the block fails, remove those that it stored."""
        after_ms = int((self.kernel.limits.upload_timeout_seconds + GRACE_S) * 1000)
        pending = [RemovePendingJob(key=key) for key in keys]
        async with self.kernel.transaction() as command:
            await command.apply(
                [REMOVE_PENDING.new(one, subject=one.subject, delay_ms=after_ms) for one in pending]
            )
        try:
            yield
        except BaseException:
            with suppress(LecternError):  # the deadline is still there
                await self.discard(*keys)
            raise

    async def discard(self, *keys: str) -> None:
        """Have objects removed now, unless they were taken (a lost answer to a commit)."""
        async with self.kernel.transaction() as command:
            for pending in (RemovePendingJob(key=key) for key in keys):
                if await is_recorded(command.connection, REMOVE_PENDING.name, pending.subject):
                    await command.apply([removal(pending)])

    async def remove(self, job: Job[RemovePendingJob]) -> Sequence[Effect]:
        """Remove an object, and what was uploaded of it so far.

        Whoever stores it when the deadline has passed may still be at it; the sweep gets that too.
        """
        removed = job.payload
        await self.kernel.storage.delete_prefix(removed.key)
        if removed.last:
            return []
        return [removal(RemovePendingJob(key=removed.key, last=True), int(GRACE_S * 1000))]


def remove_pending_route(kernel: Kernel) -> JobRoute:
    """Return what does the jobs."""
    return REMOVE_PENDING.done_by(PendingObjects(kernel).remove)
