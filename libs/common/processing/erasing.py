"""Objects of what was deleted are erased by a job: at once, and once more when all has settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel

from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import Job, JobKind
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.jobs import CancelJobs
from libs.common.store.tombstones import tombstone


class EraseJob(BaseModel):
    """Remove the objects below ``prefix``, which belonged to a document; ``last`` is the sweep."""

    document_id: UUID
    prefix: str
    last: bool = False


AGAIN_AFTER_MS = 60 * 60 * 1000


def erase_again(job: EraseJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it tried again for ever: whoever deleted something has been told that it is gone."""
    return [ERASE.new(job, subject=f"erase/{job.document_id}", delay_ms=AGAIN_AFTER_MS)]


ERASE = JobKind("erase", EraseJob, erase_again)


def forget(subject: str) -> Sequence[Effect]:
    """Return the effects that stop all work about ``subject``, now and for ever."""
    return [tombstone(subject), CancelJobs(subject)]


def erase(subject: str, job: EraseJob) -> Sequence[Effect]:
    """Return the effects that stop all work about ``subject`` and remove its objects."""
    return [*forget(subject), ERASE.new(job, subject=f"erase/{subject}")]


@dataclass(frozen=True)
class Eraser:
    """Does the jobs.

    Whoever was at work when a deletion arrived may store one more object; the sweep, so many
    seconds later, gets it too.
    """

    storage: Storage
    sweep_after_s: float

    async def erase(self, job: Job[EraseJob]) -> Sequence[Effect]:
        """Remove what is stored."""
        erased = job.payload
        await self.storage.delete_prefix(erased.prefix)
        if erased.last:
            return []
        sweep = erased.model_copy(update={"last": True})
        delay_ms = int(self.sweep_after_s * 1000)
        return [ERASE.new(sweep, subject=f"erase/{erased.document_id}", delay_ms=delay_ms)]
