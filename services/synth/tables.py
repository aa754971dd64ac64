"""What synth remembers besides its events."""

from collections.abc import Sequence

from sqlalchemy import Column, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.store.effects import Effect, Step
from libs.common.store.tables import NAMES

metadata = MetaData(naming_convention=NAMES)

deleted_subjects = Table(
    "deleted_subjects", metadata, Column("subject", String(100), primary_key=True)
)
"""Tombstones of documents (``{document_id}``) and audios (``{document_id}/{audio_id}``)."""


def unless_deleted(effect: Effect, *subjects: str) -> Step:
    """Have ``effect`` only if no deletion of ``subjects`` has arrived.

    A deletion may overtake the request: topics know no order between them.
    """
    deletion = select(deleted_subjects.c.subject).where(deleted_subjects.c.subject.in_(subjects))

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        return [] if await connection.scalar(deletion) else [effect]

    return step
