"""The long work about shares, declared: those of a user whose account is closed end."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS, JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect
from libs.common.store.jobs.new_job import NewJob


class EndSharesJob(BaseModel):
    """End what a user was granted, and what they granted of others' documents and their own."""

    user_id: UUID


def ending(job: EndSharesJob, delay_ms: int = 0) -> NewJob:
    """Return the effect of having shares ended, some at a time."""
    subject = f"shares_of/{job.user_id}"
    return END_SHARES.new(job, subject=subject, owner=str(job.user_id), delay_ms=delay_ms)


def end_again(job: EndSharesJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it tried again for ever: who closed the account was told that its shares end."""
    return [ending(job, AGAIN_AFTER_MS)]


END_SHARES = JobKind(
    name="end_shares",
    payload=EndSharesJob,
    limits=TimeLimits(soft_s=300, hard_s=330),
    gave_up=end_again,
)
"""End some shares of a user whose account is closed."""
