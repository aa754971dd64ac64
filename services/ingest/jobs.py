"""The long work of ingest, declared: see web_documents.py and intake.py for how it is done."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import SourceKind
from libs.common.contracts.documents import DocumentRejected, DocumentRetried, DocumentSubmitted
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect


class ReadJob(BaseModel):
    """Read one document: at first, or in a later ``attempt`` that its owner asked for."""

    document_id: UUID
    owner_id: UUID
    source_kind: SourceKind
    details: ObjectRef
    attempt: int = 1

    @property
    def stream(self) -> str:
        """The stream of what comes of it."""
        return DocumentSubmitted.stream_of(document_id=self.document_id)


def read_job(event: DocumentSubmitted | DocumentRetried) -> ReadJob:
    """Return the work that an event asks for."""
    return ReadJob(
        document_id=event.document_id,
        owner_id=event.owner_id,
        source_kind=event.source_kind,
        details=event.details,
        attempt=event.attempt if isinstance(event, DocumentRetried) else 1,
    )


def document_rejected(job: ReadJob, reason: GivenUp) -> Sequence[Effect]:
    """Tell the owner why the document could not be read."""
    return [
        DocumentRejected(
            document_id=job.document_id,
            owner_id=job.owner_id,
            code=reason.code,
            details=reason.details,
            attempt=job.attempt,
        )
    ]


def event_rejected(event: DocumentSubmitted | DocumentRetried, reason: GivenUp) -> Sequence[Effect]:
    """Tell the owner that nobody could even begin to read the document."""
    return document_rejected(read_job(event), reason)


FETCH = JobKind(
    name="fetch",
    payload=ReadJob,
    limits=TimeLimits(soft_s=600, hard_s=660),
    gave_up=document_rejected,
)
"""Fetch the web address of one document, once; what came is parsed, however often that takes."""

PARSE = JobKind(
    name="parse",
    payload=ReadJob,
    limits=TimeLimits(soft_s=3600, hard_s=3660),
    gave_up=document_rejected,
)
"""Read one document, which is in the storage."""
