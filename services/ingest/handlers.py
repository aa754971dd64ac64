"""What ingest does when an event arrives. The table at the end is the index."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.effects import Effect
from libs.common.errors import LecternError
from libs.common.events import DocumentDeleted, DocumentRejected, DocumentSubmitted, Source
from libs.common.jobs import CancelJobs, NewJob
from libs.common.routes import Route, on
from libs.common.upsert import add_once
from services.ingest.tables import deleted_documents

PARSE, ERASE = "parse", "erase"

ERASE_AGAIN_AFTER_MS = 10 * 60 * 1000
"""Another service may still be writing when a deletion arrives; the second sweep gets that too."""


class ParseJob(BaseModel):
    """Read one document."""

    document_id: UUID
    source: Source
    title: str | None


class EraseJob(BaseModel):
    """Remove everything that is stored about one document."""

    document_id: UUID


async def submitted(event: DocumentSubmitted) -> Sequence[Effect]:
    """Have the document read, unless it was deleted meanwhile."""
    job = NewJob(
        PARSE,
        ParseJob(document_id=event.document_id, source=event.source, title=event.title),
        subject=str(event.document_id),
        owner=str(event.owner_id),
    )

    async def unless_deleted(connection: AsyncConnection) -> Sequence[Effect]:
        return [] if await is_deleted(connection, event.document_id) else [job]

    return [unless_deleted]


def not_read(event: DocumentSubmitted, error: LecternError) -> Sequence[Effect]:
    """Tell the owner why the document could not be read."""
    return [DocumentRejected(document_id=event.document_id, code=error.code, reason=str(error))]


async def deleted(event: DocumentDeleted) -> Sequence[Effect]:
    """Stop reading the document, and remove what is stored about it."""
    subject = str(event.document_id)
    erase = EraseJob(document_id=event.document_id)
    return [
        CancelJobs(subject),
        add_once(deleted_documents, document_id=subject),
        NewJob(ERASE, erase, subject=f"erase/{subject}"),
        NewJob(ERASE, erase, subject=f"erase/{subject}", delay_ms=ERASE_AGAIN_AFTER_MS),
    ]


async def is_deleted(connection: AsyncConnection, document_id: UUID) -> bool:
    """Whether the document's deletion has arrived."""
    found = await connection.scalar(
        select(deleted_documents).where(deleted_documents.c.document_id == str(document_id))
    )
    return found is not None


def routes() -> list[Route]:
    """Which event goes where."""
    return [on(DocumentSubmitted, submitted, not_read), on(DocumentDeleted, deleted)]
