"""The long work about documents, declared: those of a user who is gone are deleted."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS, JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect
from libs.common.store.jobs.new_job import NewJob


class DeleteDocumentsJob(BaseModel):
    """Delete the documents of a user; ``last`` is the sweep."""

    user_id: UUID
    deleted_by: UUID | None
    last: bool = False


def deletion(job: DeleteDocumentsJob, delay_ms: int = 0) -> NewJob:
    """Return the effect of having documents deleted, some at a time."""
    subject = f"documents_of/{job.user_id}"
    return DELETE_DOCUMENTS.new(job, subject=subject, owner=str(job.user_id), delay_ms=delay_ms)


def delete_again(job: DeleteDocumentsJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it tried again for ever: who deleted the account was told that all of it goes."""
    return [deletion(job, AGAIN_AFTER_MS)]


DELETE_DOCUMENTS = JobKind(
    name="delete_documents",
    payload=DeleteDocumentsJob,
    limits=TimeLimits(soft_s=300, hard_s=330),
    gave_up=delete_again,
)
"""Delete some documents of a user who is gone."""
