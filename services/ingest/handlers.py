"""What ingest does when an event arrives. The table at the end is the index."""

from collections.abc import Sequence

from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentRetried,
    DocumentSubmitted,
)
from libs.common.processing.erasing import erase_document
from libs.common.processing.routes import Route, on
from libs.common.store.effects import Effect
from libs.common.store.jobs.cancelling import CancelJobs
from libs.common.store.tombstones import unless_deleted
from services.ingest.jobs import FETCH, PARSE, event_rejected, read_job


async def submitted(event: DocumentSubmitted) -> Sequence[Effect]:
    """Have the document fetched or read, unless it was deleted meanwhile."""
    return [_read(event)]


async def retried(event: DocumentRetried) -> Sequence[Effect]:
    """Have the document fetched or read once more; of an earlier attempt nothing more comes."""
    document = str(event.document_id)
    stopped = [CancelJobs(document, kind.name) for kind in (FETCH, PARSE)]
    return [*stopped, _read(event)]


def _read(event: DocumentSubmitted | DocumentRetried) -> Effect:
    document = str(event.document_id)
    kind = FETCH if event.source_kind == "url" else PARSE
    job = kind.new(read_job(event), subject=document, owner=str(event.owner_id))
    return unless_deleted(job, document)


async def deleted(event: DocumentDeleted) -> Sequence[Effect]:
    """Stop reading the document, and remove what is stored about it."""
    return erase_document(event)


def routes() -> list[Route]:
    """Which event goes where."""
    return [
        on(DocumentSubmitted, submitted, event_rejected),
        on(DocumentRetried, retried, event_rejected),
        on(DocumentDeleted, deleted),
    ]
