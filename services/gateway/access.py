"""Who may do what to which document; what one may not see does not exist."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import AnyRow
from libs.common.permissions import Capability, Role, allows, role_of, sees
from services.gateway.problems import Forbidden, NotFound
from services.gateway.tables import documents


def role(document: AnyRow, caller: UUID) -> Role:
    """Return what ``caller`` is to ``document``."""
    return role_of(caller, UUID(document.owner_id), share_level=None, is_staff=False)


async def document_for(
    connection: AsyncConnection,
    caller: UUID,
    document_id: UUID,
    capability: Capability,
    what: str = "document",
) -> AnyRow:
    """Return the document's row if ``caller`` has ``capability`` on it.

    Raises:
        NotFound: There is none, it was deleted, or the caller may not see it.
        Forbidden: The caller may see it, but not that.
    """
    found = await connection.execute(
        select(documents).where(
            documents.c.document_id == str(document_id),
            documents.c.owner_id.is_not(None),
            documents.c.deleted_at.is_(None),
        )
    )
    row = found.first()
    if row is None or not sees(role(row, caller)):
        raise NotFound(what)
    if not allows(role(row, caller), capability):
        raise Forbidden(f"You may not do this: {capability}.")
    return row
