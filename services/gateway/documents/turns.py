"""Whose turn it is to decide, for all owners that a transaction concerns."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.advisory_locks import lock_all
from libs.common.store.effects import Effect, Together
from services.gateway.documents.selects import owners_of


def turn_of_owner(document_id: UUID) -> Together:
    """Return the effect that locks the owner of a document before anything is decided."""
    return Together(_lock_owners, document_id, turn="first")


async def lock_owners_of(connection: AsyncConnection, documents: Collection[UUID]) -> None:
    """Lock the owners of documents, where anything but the file's one writer has to be locked."""
    if connection.dialect.name == "postgresql":
        await lock_all(connection, await owners_of(connection, documents))


async def _lock_owners(connection: AsyncConnection, documents: Sequence[UUID]) -> Sequence[Effect]:
    """Lock all owners in one order, whatever order and traces their events came in.

    Locked one after the other as work comes to them, two batches would wait for each other, and
    a command that waits behind them could be the one that PostgreSQL ends.
    """
    await lock_owners_of(connection, set(documents))
    return []
