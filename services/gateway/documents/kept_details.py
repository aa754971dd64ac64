"""The table of what objects say of a document, which is there as long as the document."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.details import Details
from libs.common.database.arrays import among
from libs.common.database.upsert import Write, upsert
from libs.common.store.effects import Effect, Together
from services.gateway.documents.listing.listed_documents import list_again
from services.gateway.documents.selects import existing_document
from services.gateway.documents.tables import document_details
from services.gateway.documents.turns import turn_of_owner
from services.gateway.kernel.changes import changed


def details_row(
    document_id: UUID, key: str, *, body: Details | None = None, reason: str | None = None
) -> Write:
    """Return the row of what the object under ``key`` says; of one that is lost, nothing."""
    content = None if body is None else body.as_json()
    about = str(document_id)
    return upsert(document_details, {"key": key}, document_id=about, body=content, reason=reason)


@dataclass(frozen=True, kw_only=True)
class DetailsToKeep:
    """What the object under ``key`` says of a document."""

    document_id: UUID
    key: str
    body: Details | None = None
    reason: str | None = None


def keep_details(found: DetailsToKeep) -> Sequence[Effect]:
    """Return the effects of keeping what an object says, unless the document is deleted meanwhile.

    The deletion takes the owner's lock too, so that one of the two sees the other.
    """
    return [turn_of_owner(found.document_id), Together(_keep, found)]


async def _keep(connection: AsyncConnection, found: Sequence[DetailsToKeep]) -> Sequence[Effect]:
    effects: list[Effect] = []
    for one in found:
        if await existing_document(connection, one.document_id) is not None:
            row = details_row(one.document_id, one.key, body=one.body, reason=one.reason)
            effects += [row, list_again(one.document_id), changed(one.document_id)]
    return effects


async def forget_details(connection: AsyncConnection, documents: Sequence[UUID]) -> None:
    """Remove what is known of deleted documents."""
    about = [str(document_id) for document_id in documents]
    await connection.execute(
        delete(document_details).where(among(document_details.c.document_id, about))
    )
