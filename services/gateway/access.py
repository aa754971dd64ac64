"""Who may do what to which document; what one may not see does not exist."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import AnyRow
from libs.common.permissions import Capability, Role, allows
from services.gateway.problems import NotFound
from services.gateway.tables import documents


def role(document: AnyRow, caller: UUID) -> Role:
    """Return what ``caller`` is to ``document``."""
    return Role.OWNER if document.owner_id == str(caller) else Role.STRANGER


async def document_for(
    connection: AsyncConnection,
    caller: UUID,
    document_id: UUID,
    capability: Capability,
    what: str = "document",
) -> AnyRow:
    """Return the document's row if ``caller`` has ``capability`` on it.

    Raises:
        NotFound: There is none, it was deleted, or the caller may not.
    """
    found = await connection.execute(
        select(documents).where(
            documents.c.document_id == str(document_id),
            documents.c.owner_id.is_not(None),
            documents.c.deleted_at.is_(None),
        )
    )
    row = found.first()
    if row is None or not allows(role(row, caller), capability):
        raise NotFound(what)
    return row
