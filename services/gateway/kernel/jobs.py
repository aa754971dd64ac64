"""The long work of the kernel, declared: see pending.py for how it is done."""

from collections.abc import Sequence

from pydantic import BaseModel

from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS, JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect
from libs.common.store.jobs.new_job import NewJob


class RemovePendingJob(BaseModel):
    """Remove an object that no transaction took; ``last`` is the sweep."""

    key: str
    last: bool = False

    @property
    def subject(self) -> str:
        """What its deadline is found by."""
        return f"pending/{self.key}"


def removal(pending: RemovePendingJob, delay_ms: int = 0) -> NewJob:
    """Return the effect of having it removed, whatever becomes of its deadline."""
    return REMOVE_PENDING.new(pending, subject=f"remove/{pending.key}", delay_ms=delay_ms)


def remove_again(pending: RemovePendingJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it tried again for ever: nobody else knows of the object."""
    return [removal(pending, AGAIN_AFTER_MS)]


REMOVE_PENDING = JobKind(
    name="remove_pending",
    payload=RemovePendingJob,
    limits=TimeLimits(soft_s=300, hard_s=330),
    gave_up=remove_again,
)
"""Remove an object that no transaction took."""
