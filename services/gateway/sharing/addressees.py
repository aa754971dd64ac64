"""Whom shares are for, as it was written: kept beside the events, which do not hold it."""

from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.sharing import ShareGranted
from libs.common.database.upsert import Write, upsert
from services.gateway.sharing.decide import WantedShare
from services.gateway.sharing.tables import share_recipients, shares

_ADDRESSES = (
    select(share_recipients.c.folded)
    .join(shares, shares.c.share_id == share_recipients.c.share_id)
    .where(share_recipients.c.document_id == bindparam("document"), shares.c.ended_at.is_(None))
)
_FORGET = delete(share_recipients).where(share_recipients.c.document_id == bindparam("document"))


def recipient_row(event: ShareGranted, wanted: WantedShare, message: str | None) -> Write:
    """Return the row of whom a new share is for."""
    return upsert(
        share_recipients,
        {"share_id": str(event.share_id)},
        document_id=str(event.document_id),
        address=wanted.address,
        folded=wanted.folded,
        message=message,
    )


async def addresses_of(connection: AsyncConnection, document_id: UUID) -> frozenset[str]:
    """Return the addresses, as they are compared, that a document is shared with."""
    found = await connection.scalars(_ADDRESSES, {"document": str(document_id)})
    return frozenset(found)


async def forget_recipients(connection: AsyncConnection, document_id: UUID) -> None:
    """Remove what is known of whom a deleted document was shared with."""
    await connection.execute(_FORGET, {"document": str(document_id)})
