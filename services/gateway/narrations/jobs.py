"""The long work about narrations, declared: see planning/ for how it is done."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.narrations import NarrationRequested
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS, JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect


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
