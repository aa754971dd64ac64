"""Goes on with the pages of an owner that wait for the budget of another day.

The job looks from time to time as well, so that a budget that the operator has raised is used. If
the owner's next page still has no room, dispatching records the next job; if nothing waits any
more, because it was deleted or spoken, none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.common.processing.job_kind import Job, JobRoute
from libs.common.store.effects import Effect
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.jobs import RESUME_DISPATCH, ResumeJob
from services.gateway.narrations.planning.dispatch import dispatch_for_owners


@dataclass(frozen=True)
class WaitingOwners:
    """Does the jobs."""

    kernel: Kernel

    async def resume(self, job: Job[ResumeJob]) -> Sequence[Effect]:
        """Go on for one owner."""
        return [self.kernel.together(dispatch_for_owners, job.payload.owner_id)]


def resume_dispatch_route(kernel: Kernel) -> JobRoute:
    """Return what does the jobs."""
    return RESUME_DISPATCH.done_by(WaitingOwners(kernel).resume)
