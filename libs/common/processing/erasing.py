"""Objects of what was deleted are erased by a job: at once, and once more when all has settled.

Every service that stores anything below a document does this when it learns of the deletion, be it
only why work was given up: what it stored after the others had erased theirs, nobody else removes.
Afterwards it stores nothing, for there is a tombstone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel

from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS, Job, JobKind
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.jobs import CancelJobs
from libs.common.store.tombstones import tombstone


class EraseJob(BaseModel):
    """Remove the objects below ``prefix``, which belonged to a document; ``last`` is the sweep."""

    document_id: UUID
    prefix: str
    last: bool = False


def erase_again(job: EraseJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it tried again for ever: whoever deleted something has been told that it is gone."""
    return [ERASE.new(job, subject=f"erase/{job.document_id}", delay_ms=AGAIN_AFTER_MS)]


ERASE = JobKind("erase", EraseJob, erase_again)


def erase(subject: str, *erased: EraseJob) -> Sequence[Effect]:
    """Return the effects that stop all work about ``subject`` and remove its objects."""
    return [CancelJobs(subject), *_remove(subject, erased)]


def erase_document(document_id: UUID, *prefixes: str) -> Sequence[Effect]:
    """Return the effects that stop all work on a document and remove what is stored of it.

    That is what is below ``documents/{document_id}/`` and below ``prefixes``.
    """
    return [CancelJobs(str(document_id)), *erase_objects(document_id, *prefixes)]


def erase_objects(document_id: UUID, *prefixes: str) -> Sequence[Effect]:
    """Return the effects of :func:`erase_document` where jobs about the document are to go on."""
    subject = str(document_id)
    below = (f"documents/{subject}/", *prefixes)
    return _remove(subject, [EraseJob(document_id=document_id, prefix=prefix) for prefix in below])


def _remove(subject: str, erased: Sequence[EraseJob]) -> Sequence[Effect]:
    jobs = [ERASE.new(one, subject=f"erase/{subject}") for one in erased]
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
        delay_ms = int(self.sweep_after_s * 1000)
        return [ERASE.new(sweep, subject=f"erase/{erased.document_id}", delay_ms=delay_ms)]
