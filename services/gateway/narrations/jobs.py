"""The long work about narrations, declared: see planning/ for how it is done."""

from uuid import UUID

from pydantic import BaseModel

from libs.common.processing.job_kind import JobKind


class NarrationJob(BaseModel):
    """Work about a narration."""

    narration_id: UUID
    document_id: UUID
    owner_id: UUID

    @property
    def subject(self) -> str:
        """What unfinished work about the narration is cancelled by."""
        return f"narration/{self.narration_id}"

    @property
    def stream(self) -> str:
        """The stream that waits for it."""
        return f"narration/{self.narration_id}"


class WatchJob(NarrationJob):
    """See whether a narration still moves; ``seen`` is where it stood at the last look."""

    seen: str | None = None


REQUEST_AUDIOBOOK = JobKind("request_audiobook", NarrationJob)
"""Store what an audiobook is made of, and ask for it."""

WATCH = JobKind("watch_narration", WatchJob)
"""End a narration of which nothing has moved since the last look."""
