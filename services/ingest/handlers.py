"""What ingest does when an event arrives. The table at the end is the index."""

from collections.abc import Sequence

from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentSubmitted,
)
from libs.common.processing.erasing import erase_document
from libs.common.processing.routes import Route, on
from libs.common.store.effects import Effect
from libs.common.store.tombstones import unless_deleted
from services.ingest.jobs import FETCH, PARSE, document_rejected


async def submitted(event: DocumentSubmitted) -> Sequence[Effect]:
    """Have the document fetched or read, unless it was deleted meanwhile."""
    document = str(event.document_id)
    kind = FETCH if event.source_kind == "url" else PARSE
    return [unless_deleted(kind.new(event, subject=document, owner=str(event.owner_id)), document)]


async def deleted(event: DocumentDeleted) -> Sequence[Effect]:
    """Stop reading the document, and remove what is stored about it."""
    return erase_document(event)


def routes() -> list[Route]:
    """Which event goes where."""
    return [on(DocumentSubmitted, submitted, document_rejected), on(DocumentDeleted, deleted)]
