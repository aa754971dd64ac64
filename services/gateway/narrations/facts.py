"""Gathers what there is to know of narrations, in few queries however long the document is."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.audio.selects import audiobooks_for
from services.gateway.documents.rows import DocumentRow
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.narrations.budget.budget_waits import budget_waits
from services.gateway.narrations.outcomes.page_outcomes import outcomes_of
from services.gateway.narrations.progress import NarrationFacts, narration_view
from services.gateway.narrations.rows import NarrationRow, OutcomeRow
from services.gateway.narrations.selects import narrations_of
from services.gateway.narrations.views import NarrationView

MOST_WATCHED = 100


async def newest_narrations(
    connection: AsyncConnection, limits: GatewayLimits, document: DocumentRow
) -> tuple[NarrationView, ...]:
    """Return the newest narrations of a document, the newest first: those that are watched."""
    rows = await narrations_of(connection, document.document_id, MOST_WATCHED)
    return await narration_views(connection, limits, document, rows)


async def narration_views(
    connection: AsyncConnection,
    limits: GatewayLimits,
    document: DocumentRow,
    chosen: Sequence[NarrationRow],
) -> tuple[NarrationView, ...]:
    """Return narrations of ``document`` as people see them, in their order."""
    waits = await budget_waits(connection, limits, chosen)
    facts = await narration_facts(connection, document, chosen)
    return tuple(narration_view(one, waits.get(one.narration.narration_id)) for one in facts)


async def narration_facts(
    connection: AsyncConnection, document: DocumentRow, chosen: Sequence[NarrationRow]
) -> list[NarrationFacts]:
    """Return what there is to know of narrations of ``document``, in their order."""
    if not chosen:
        return []
    ids = [narration.narration_id for narration in chosen]
    known: dict[UUID, list[OutcomeRow]] = {}
    for row in await outcomes_of(connection, document.document_id, ids, document.pages_total):
        known.setdefault(row.narration_id, []).append(row)
    audiobooks = {book.narration_id: book for book in await audiobooks_for(connection, ids)}
    return [
        NarrationFacts(
            narration=narration,
            document=document,
            known=known.get(narration.narration_id, ()),
            audiobook=audiobooks.get(narration.narration_id),
        )
        for narration in chosen
    ]
