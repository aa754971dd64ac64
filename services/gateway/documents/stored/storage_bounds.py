"""How many documents and bytes an owner may have; what is shown is what decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.store.effects import Effect, Step
from services.gateway.documents.stored.tables import owner_storage
from services.gateway.kernel.errors import QuotaExceeded
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.kernel.locks import lock_owner


@dataclass(frozen=True, kw_only=True)
class StoredOfOwner:
    """What an owner has: documents, and bytes of all their files."""

    documents: int = 0
    bytes: int = 0

    def check_room(self, limits: GatewayLimits, *, documents: int = 0, size: int = 0) -> None:
        """Return if so many more ``documents`` of ``size`` bytes have room.

        With neither, whether there is room for anything more.

        Raises:
            QuotaExceeded: There is none.
        """
        most = limits.max_documents_per_owner
        if most and documents and self.documents + documents > most:
            raise QuotaExceeded(
                f"You have {self.documents:,} documents, and this site allows {most:,}; delete one"
                " that you do not need any more."
            )
        most = limits.max_stored_bytes_per_owner
        if most and self.bytes + max(size, 1) > most:
            raise QuotaExceeded(
                f"Your files and audio take up {self.bytes:,} bytes, and this site keeps {most:,} "
                "for each owner: there is no room for more. Delete documents or audio first."
            )


async def stored_of_owner(connection: AsyncConnection, owner_id: UUID) -> StoredOfOwner:
    """Return what an owner has: one row, however much that is."""
    known = select(owner_storage.c.documents, owner_storage.c.bytes)
    row = (await connection.execute(known.where(owner_storage.c.owner_id == str(owner_id)))).first()
    return StoredOfOwner() if row is None else StoredOfOwner(documents=row[0], bytes=row[1])


def room_for_document(limits: GatewayLimits, owner_id: UUID, size: int) -> Step:
    """Return the effect of refusing a document for which its owner has no room.

    Of two that are handed in at once, each sees the other. To apply it raises QuotaExceeded.
    """

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        await lock_owner(connection, owner_id)
        stored = await stored_of_owner(connection, owner_id)
        stored.check_room(limits, documents=1, size=size)
        return []

    return step
