"""What ingest remembers besides its events."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Column, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.store.effects import Effect, Step
from libs.common.store.tables import NAMES

metadata = MetaData(naming_convention=NAMES)

deleted_documents = Table(
    "deleted_documents", metadata, Column("document_id", String(36), primary_key=True)
)
"""Tombstones: a deletion may overtake the submission, and a deleted document never comes back."""


def unless_deleted(document_id: UUID, effect: Effect) -> Step:
    """Have ``effect`` only if the document's deletion has not arrived."""
    deletion = select(deleted_documents).where(deleted_documents.c.document_id == str(document_id))

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        return [] if await connection.scalar(deletion) else [effect]

    return step
