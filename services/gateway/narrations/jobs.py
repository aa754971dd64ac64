"""The long work about narrations, declared: see planning/ for how it is done."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.narrations import NarrationRequested
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS, JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect
from libs.common.store.jobs.new_job import NewJob
from services.gateway.narrations.rows import DailyBudget


class NarrationJob(BaseModel):
    """Work about a narration."""

    narration_id: UUID
    document_id: UUID
    owner_id: UUID

    @property
    def subject(self) -> str:
        """What unfinished work about the narration is cancelled by."""
        return NarrationRequested.stream_of(narration_id=self.narration_id)

    @property
    def stream(self) -> str:
        """The stream that waits for it."""
        return NarrationRequested.stream_of(narration_id=self.narration_id)


class StalledJob(NarrationJob):
    """See whether a narration still moves; ``seen`` is where it stood at the last look."""

    seen: str | None = None


class ResumeJob(BaseModel):
    """Go on with the pages of an owner that wait for the budget of another day."""

    owner_id: UUID

    @property
    def subject(self) -> str:
        """What the one job of an owner is found by."""
        return f"budget/{self.owner_id}"


REQUEST_AUDIOBOOK = JobKind(
    name="request_audiobook", payload=NarrationJob, limits=TimeLimits(soft_s=300, hard_s=330)
)
"""Store what an audiobook is made of, and ask for it."""


def look_again(job: StalledJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it looked at later: a look that failed is no reason to wait for ever."""
    owner = str(job.owner_id)
    return [END_STALLED.new(job, subject=job.subject, owner=owner, delay_ms=AGAIN_AFTER_MS)]


END_STALLED = JobKind(
    name="end_stalled_narration",
    payload=StalledJob,
    limits=TimeLimits(soft_s=300, hard_s=330),
    gave_up=look_again,
)
"""End a narration of which nothing has moved since the last look."""


RESUME_EVERY_MS = 10 * 60 * 1000
"""How soon it is seen that the operator has raised the budget."""


def resume_later(job: ResumeJob, budget: DailyBudget) -> NewJob:
    """Return the effect of going on when the next day begins, or when the budget may be another."""
    until_ms = int((budget.resumes_at - budget.now).total_seconds() * 1000) + 1
    return _resume(job, min(until_ms, RESUME_EVERY_MS))


def resume_again(job: ResumeJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it tried again for ever: nobody else goes on with these pages."""
    return [_resume(job, AGAIN_AFTER_MS)]


def _resume(job: ResumeJob, delay_ms: int) -> NewJob:
    owner = str(job.owner_id)
    return RESUME_DISPATCH.new(job, subject=job.subject, owner=owner, delay_ms=delay_ms)


RESUME_DISPATCH = JobKind(
    name="resume_dispatch",
    payload=ResumeJob,
    limits=TimeLimits(soft_s=300, hard_s=330),
    gave_up=resume_again,
)
"""Go on with what waits for the budget of an owner, if there is room by now."""
