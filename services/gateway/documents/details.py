"""What objects say of a document: read when their event arrives, forgotten with the document."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.audio import AudiobookReady
from libs.common.contracts.base import DocumentEvent, Event, ObjectRef
from libs.common.contracts.details import (
    Details,
    DocumentTitle,
    FailureDetails,
    ParsedDocument,
    SubmittedDocument,
)
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentParsed,
    DocumentRejected,
    DocumentRenamed,
    DocumentReordered,
    DocumentRetried,
    DocumentSubmitted,
    PageAdded,
    PageEdited,
)
from libs.common.errors import ObjectCorrupt, ObjectNotFound
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.tombstones import tombstone
from services.gateway.documents.kept_details import (
    DetailsToKeep,
    forget_details,
    keep_details,
)
from services.gateway.documents.listing.listed_documents import forget_listings, listed_when
from services.gateway.documents.turns import turn_of_owner
from services.gateway.kernel.record import Kernel, Reaction

log = structlog.get_logger(__name__)


async def details_of(storage: Storage, event: Event) -> Sequence[Effect]:
    """Return the effects of learning what an event of another service refers to.

    One small object is read, so that nobody sees the event without its words. One that is lost, as
    after a deletion, says nothing; nor does one that does not belong to the document, whose row it
    would take.

    Raises:
        Unavailable: The storage does not answer.
    """
    ref: ObjectRef | None = getattr(event, "details", None)
    document_id: UUID | None = getattr(event, "document_id", None)
    if ref is None or document_id is None:
        return []
    kind: type[Details] | None = _KINDS.get(type(event), FailureDetails)
    if kind is None:
        return []
    if not ref.key.startswith((f"documents/{document_id}/", f"audio/{document_id}/")):
        log.warning("details of something else are not read", topic=event.topic)
        return []
    try:
        found = await read_details(storage, ref, kind)
    except (ObjectNotFound, ObjectCorrupt):
        return []
    if isinstance(found, FailureDetails):
        to_keep = DetailsToKeep(document_id=document_id, key=ref.key, reason=found.reason)
    else:
        to_keep = DetailsToKeep(document_id=document_id, key=ref.key, body=found)
    return keep_details(to_keep)


_KINDS: Mapping[type[Event], type[Details] | None] = {
    DocumentSubmitted: SubmittedDocument,  # kept when it is decided; read when rows were lost
    DocumentRenamed: DocumentTitle,  # the same
    DocumentParsed: ParsedDocument,
    AudiobookReady: None,  # the gateway wrote them itself
}
"""What the details of events are, where they are not those of a failure."""


def _deleted(kernel: Kernel, event: DocumentDeleted) -> Sequence[Effect]:
    """Forget what is kept; the others erase objects, and nothing more is stored here either."""
    return [
        turn_of_owner(event.document_id),
        kernel.together(_forget, event.document_id),
        tombstone(str(event.document_id)),
    ]


async def _forget(
    _kernel: Kernel, connection: AsyncConnection, documents: Sequence[UUID]
) -> Sequence[Effect]:
    await forget_details(connection, documents)
    await forget_listings(connection, documents)
    return []


def _new(_kernel: Kernel, event: DocumentSubmitted) -> Sequence[Effect]:
    """Nobody else can know the document yet, so nobody is locked out."""
    return listed_when(event)


def _changed(
    _kernel: Kernel,
    event: DocumentEvent,
) -> Sequence[Effect]:
    """It is another one to those who list it."""
    return [turn_of_owner(event.document_id), *listed_when(event)]


REACTIONS: Mapping[type[Event], Reaction] = {
    DocumentSubmitted: _new,
    DocumentRenamed: _changed,
    DocumentRetried: _changed,
    DocumentReordered: _changed,
    PageAdded: _changed,
    DocumentParsed: _changed,
    DocumentRejected: _changed,
    PageEdited: _changed,
    DocumentDeleted: _deleted,
}
