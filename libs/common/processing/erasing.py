"""Objects of what was deleted are erased by a job: at once, and once more when all has settled.

Every service that stores anything below a document does this when it learns of the deletion, be it
only why work was given up: what it stored after the others had erased theirs, nobody else removes.
Afterwards it stores nothing, for there is a tombstone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.documents import DocumentDeleted
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS, Job, JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.jobs.cancelling import CancelJobs
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.tombstones import tombstone


class EraseJob(BaseModel):
    """Remove the objects below ``prefix``, which belonged to a document; ``last`` is the sweep."""

    document_id: UUID
    owner_id: UUID
    prefix: str
    last: bool = False


def erase_again(job: EraseJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it tried again for ever: whoever deleted something has been told that it is gone."""
    return [_job(job, f"erase/{job.document_id}", AGAIN_AFTER_MS)]


ERASE = JobKind(
    name="erase",
    payload=EraseJob,
    limits=TimeLimits(soft_s=1800, hard_s=1860),
    gave_up=erase_again,
)


def _job(erased: EraseJob, subject: str, delay_ms: int = 0) -> NewJob:
    return ERASE.new(erased, subject=subject, owner=str(erased.owner_id), delay_ms=delay_ms)


def erase(subject: str, *erased: EraseJob) -> Sequence[Effect]:
    """Return the effects that stop all work about ``subject`` and remove its objects."""
    return [CancelJobs(subject), *_remove(subject, erased)]


def erase_document(deleted: DocumentDeleted, *prefixes: str) -> Sequence[Effect]:
    """Return the effects that stop all work on a document and remove what is stored of it.

    That is what is below ``documents/{document_id}/`` and below ``prefixes``.
    """
    return [CancelJobs(str(deleted.document_id)), *erase_objects(deleted, *prefixes)]


def erase_objects(deleted: DocumentDeleted, *prefixes: str) -> Sequence[Effect]:
    """Return the effects of :func:`erase_document` where jobs about the document are to go on."""
    document_id, owner_id = deleted.document_id, deleted.owner_id
    below = (f"documents/{document_id}/", *prefixes)
    erased = [
        EraseJob(document_id=document_id, owner_id=owner_id, prefix=prefix) for prefix in below
    ]
    return _remove(str(document_id), erased)


def _remove(subject: str, erased: Sequence[EraseJob]) -> Sequence[Effect]:
    jobs = [_job(one, f"erase/{subject}") for one in erased]
    return [tombstone(subject), *jobs]


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
        return [_job(sweep, f"erase/{erased.document_id}", int(self.sweep_after_s * 1000))]
