"""The long work of ingest, declared: see web_documents.py and intake.py for how it is done."""

from collections.abc import Sequence

from libs.common.contracts.documents import DocumentRejected, DocumentSubmitted
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect


def document_rejected(submitted: DocumentSubmitted, reason: GivenUp) -> Sequence[Effect]:
    """Tell the owner why the document could not be read."""
    return [
        DocumentRejected(
            document_id=submitted.document_id,
            owner_id=submitted.owner_id,
            code=reason.code,
            details=reason.details,
        )
    ]


FETCH = JobKind(
    name="fetch",
    payload=DocumentSubmitted,
    limits=TimeLimits(soft_s=600, hard_s=660),
    gave_up=document_rejected,
)
"""Fetch the web address of one document, once; what came is parsed, however often that takes."""

PARSE = JobKind(
    name="parse",
    payload=DocumentSubmitted,
    limits=TimeLimits(soft_s=3600, hard_s=3660),
    gave_up=document_rejected,
)
"""Read one document, which is in the storage."""
