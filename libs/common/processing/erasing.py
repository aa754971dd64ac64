"""Objects of what was deleted are erased by a job: at once, and once more when all has settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel

from libs.common.processing.job_kind import Job, JobKind
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.jobs import CancelJobs

ERASE_AGAIN_AFTER_MS = 10 * 60 * 1000
"""Whoever was at work when a deletion arrived may store one more object; this sweep gets it too."""


class EraseJob(BaseModel):
    """Remove the objects below ``prefix``, which belonged to a document."""

    document_id: UUID
    prefix: str


ERASE = JobKind("erase", EraseJob)


def erase(subject: str, job: EraseJob) -> Sequence[Effect]:
    """Return the effects that stop all work about ``subject`` and remove its objects, twice."""
    about = f"erase/{subject}"
    return [
        CancelJobs(subject),
        ERASE.new(job, subject=about),
        ERASE.new(job, subject=about, delay_ms=ERASE_AGAIN_AFTER_MS),
    ]


@dataclass(frozen=True)
class Eraser:
    """Does the jobs."""

    storage: Storage

    async def erase(self, job: Job[EraseJob]) -> Sequence[Effect]:
        """Remove what is stored."""
        await self.storage.delete_prefix(job.payload.prefix)
        return []
