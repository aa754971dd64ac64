"""The long work of ingest, declared: see intake.py for how it is done."""

from collections.abc import Sequence

from libs.common.contracts.documents import DocumentRejected, DocumentSubmitted
from libs.common.errors import LecternError
from libs.common.processing.job_kind import JobKind
from libs.common.store.effects import Effect


def document_rejected(submitted: DocumentSubmitted, error: LecternError) -> Sequence[Effect]:
    """Tell the owner why the document could not be read."""
    return [DocumentRejected(document_id=submitted.document_id, code=error.code, reason=str(error))]


PARSE = JobKind("parse", DocumentSubmitted, document_rejected)
"""Read one document."""
