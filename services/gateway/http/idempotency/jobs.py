"""The long work of the keys of requests, declared: they are forgotten after a day."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel

from libs.common.contracts.cloudevents import rfc3339
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS, JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect
from libs.common.store.jobs.new_job import NewJob

KEPT_FOR = timedelta(hours=24)
"""At least; at most an hour longer."""


class ForgetKeysJob(BaseModel):
    """Remove rows of ``idempotency_keys`` that were made before a moment."""

    until: str

    @property
    def subject(self) -> str:
        """What the one job of an hour is found by."""
        return f"idempotency/{self.until}"


def forgetting(now: datetime) -> tuple[ForgetKeysJob, int]:
    """Return the job that removes what is made in this hour, and in how many milliseconds."""
    until = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    delay = until + KEPT_FOR - now
    return ForgetKeysJob(until=rfc3339(until)), int(delay.total_seconds() * 1000)


def forget(job: ForgetKeysJob, delay_ms: int = 0) -> NewJob:
    """Return the effect of having keys removed."""
    return FORGET_KEYS.new(job, subject=job.subject, delay_ms=delay_ms)


def forget_later(job: ForgetKeysJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it tried again for ever: nobody else removes them."""
    return [forget(job, AGAIN_AFTER_MS)]


FORGET_KEYS = JobKind(
    name="forget_keys",
    payload=ForgetKeysJob,
    limits=TimeLimits(soft_s=60, hard_s=90),
    gave_up=forget_later,
)
"""Remove keys of requests that were made a day ago, some at a time."""
