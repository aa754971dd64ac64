"""Keeps a row for each document as it is listed: what it is searched and sorted by.

No event holds a title, so no fold could write it. The row is written anew, in the transaction of
whatever changes it, from what is known of the document then.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import DocumentEvent
from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.arrays import among
from libs.common.store.effects import Effect, Together
from services.gateway.documents.listing.document_titles import folded_title, sort_key
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import existing_document
from services.gateway.documents.tables import document_listings

Happened = tuple[UUID, datetime | None]
"""A document, and when something about it happened that counts as a change of it."""


def list_again(document_id: UUID, happened_at: datetime | None = None) -> Together:
    """Return the effect of listing a document as it is now, changed at ``happened_at`` if given.

    Whoever asks for it locks the owner first, unless nobody else can know the document yet.
    """
    return Together(_list_again, (document_id, happened_at))


def listed_when(event: DocumentEvent) -> Sequence[Effect]:
    """Return the effects of an event that changes a document for those who list it."""
    return [list_again(event.document_id, event.occurred_at)]


async def _list_again(connection: AsyncConnection, items: Sequence[Happened]) -> Sequence[Effect]:
    latest: dict[UUID, datetime | None] = {}
    for document_id, moment in items:
        known = latest.get(document_id)
        latest[document_id] = max(filter(None, (known, moment)), default=None)
    effects: list[Effect] = []
    for document_id, moment in latest.items():
        document = await existing_document(connection, document_id)
        if document is None:
            continue
        effects.append(_row(document, moment))
    return effects


def _row(document: DocumentRow, moment: datetime | None) -> Insert:
    """Return the statement that writes a row; its last change is the latest that was told."""
    new = insert(document_listings).values(
        document_id=str(document.document_id),
        owner_id=str(document.owner_id),
        submitted_at=document.submitted_at,
        updated_at=document.submitted_at if moment is None else rfc3339(moment),
        folded_title=folded_title(document.title),
        sort_key=sort_key(document.title),
    )
    known, given = document_listings.c.updated_at, new.excluded.updated_at
    return new.on_conflict_do_update(
        index_elements=[document_listings.c.document_id],
        set_={
            "updated_at": case((known < given, given), else_=known),
            "folded_title": new.excluded.folded_title,
            "sort_key": new.excluded.sort_key,
        },
    )


async def forget_listings(connection: AsyncConnection, documents: Sequence[UUID]) -> None:
    """Remove deleted documents from all lists."""
    about = [str(document_id) for document_id in documents]
    await connection.execute(
        delete(document_listings).where(among(document_listings.c.document_id, about))
    )
