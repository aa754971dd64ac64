"""The table of what objects say of a document, which is there as long as the document."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.details import Details
from libs.common.database.upsert import Write, upsert
from libs.common.store.effects import Effect, Step
from services.gateway.documents.selects import existing_document, owners_of
from services.gateway.documents.tables import document_details
from services.gateway.kernel.changes import changed
from services.gateway.kernel.locks import lock_owner


def details_row(
    document_id: UUID, key: str, *, body: Details | None = None, reason: str | None = None
) -> Write:
    """Return the row of what the object under ``key`` says; of one that is lost, nothing."""
    content = None if body is None else body.model_dump(mode="json")
    about = str(document_id)
    return upsert(document_details, {"key": key}, document_id=about, body=content, reason=reason)


def keep_details(
    document_id: UUID, key: str, *, body: Details | None = None, reason: str | None = None
) -> Step:
    """Return a step that adds a row, unless the document was deleted meanwhile.

    The deletion takes the owner's lock too, so that one of the two sees the other.
    """

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        for owner in await owners_of(connection, [document_id]):
            await lock_owner(connection, owner)
        if await existing_document(connection, document_id) is None:
            return []
        return [details_row(document_id, key, body=body, reason=reason), changed(document_id)]

    return step


async def forget_details(connection: AsyncConnection, documents: Sequence[UUID]) -> None:
    """Remove what is known of deleted documents."""
    about = [str(document_id) for document_id in documents]
    await connection.execute(
        delete(document_details).where(document_details.c.document_id.in_(about))
    )
