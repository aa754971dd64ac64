"""The long work of ingest, declared: see intake.py for how it is done."""

from collections.abc import Sequence

from libs.common.contracts.documents import DocumentRejected, DocumentSubmitted
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import JobKind
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


PARSE = JobKind("parse", DocumentSubmitted, document_rejected)
"""Read one document."""
