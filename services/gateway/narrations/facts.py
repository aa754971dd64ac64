"""Gathers what there is to know of narrations, in few queries however long the document is."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.audio.selects import audiobooks_of, audios_of
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import pages_of
from services.gateway.narrations.progress import NarrationFacts, best_audios, narration_view
from services.gateway.narrations.rows import NarrationRow
from services.gateway.narrations.selects import narrations_of, waiting_pages
from services.gateway.narrations.views import NarrationView


async def read_narrations(
    connection: AsyncConnection, document: DocumentRow
) -> tuple[NarrationView, ...]:
    """Return the narrations of a document, newest first."""
    chosen = await narrations_of(connection, [document.document_id], newest_first=True)
    return tuple(map(narration_view, await narration_facts(connection, document, chosen)))


async def narration_facts(
    connection: AsyncConnection, document: DocumentRow, chosen: Sequence[NarrationRow]
) -> list[NarrationFacts]:
    """Return what there is to know of narrations of ``document``, in their order."""
    if not chosen:
        return []
    document_id = document.document_id
    pages = {page.page: page for page in await pages_of(connection, document_id)}
    audios = await audios_of(connection, document_id)
    audiobooks = {book.narration_id: book for book in await audiobooks_of(connection, document_id)}
    waiting = await waiting_pages(connection, document_id)
    return [
        NarrationFacts(
            narration=narration,
            document=document,
            pages=pages,
            audios=best_audios(narration, pages, audios),
            waiting=waiting.get(narration.narration_id, set()),
            audiobook=audiobooks.get(narration.narration_id),
        )
        for narration in chosen
    ]
