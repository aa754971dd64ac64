"""What objects say of documents is read from them again, where its rows were lost."""

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import Event
from libs.common.contracts.documents import DocumentRenamed, DocumentSubmitted
from libs.common.database.arrays import among
from libs.common.database.engine import Database
from libs.common.storage.port import Storage
from libs.common.store.effects import apply
from libs.common.store.event_store import restore
from services.gateway.documents.details import details_of
from services.gateway.documents.selects import EXISTS
from services.gateway.documents.tables import document_details, documents
from services.gateway.kernel.record import Feature, consumed
from services.gateway.rebuilding.past_events import Position, Sources, Stored, next_chunk

AT_ONCE = 8
"""Objects that are read at a time."""


async def restore_details(database: Database, storage: Storage, features: Sequence[Feature]) -> int:
    """Read the objects that events of existing documents refer to; return how many rows came back.

    Rows that are there stay, so it may be repeated.

    Raises:
        Unavailable: The database or the storage does not answer.
    """
    referring = [event.topic for event in consumed(features) if "details" in event.model_fields]
    sources = Sources(own=[DocumentSubmitted.topic, DocumentRenamed.topic], received=referring)
    position, count, reading = Position(), 0, asyncio.Semaphore(AT_ONCE)
    while True:
        async with database.querying() as connection:
            stored, position = await next_chunk(connection, sources, position, None)
            lacking = await _lacking(connection, stored)
        if not stored:
            return count
        kept = await asyncio.gather(
            *(_restore_one(database, storage, event, reading) for event in lacking)
        )
        count += sum(kept)


async def _lacking(connection: AsyncConnection, stored: Iterable[Stored]) -> list[Event]:
    """Return the events of existing documents whose details are not there, one for each key."""
    events = [restore(*one) for one in stored]
    by_key = {_key(event): event for event in events if _key(event) is not None}
    found = await connection.scalars(
        select(document_details.c.key).where(among(document_details.c.key, by_key))
    )
    for key in found:
        del by_key[key]
    ids = {str(_document(event)) for event in by_key.values()}
    existing = set(
        await connection.scalars(
            select(documents.c.document_id).where(among(documents.c.document_id, ids), EXISTS)
        )
    )
    return [event for event in by_key.values() if str(_document(event)) in existing]


def _key(event: Event) -> str | None:
    details = getattr(event, "details", None)
    return None if details is None or _document(event) is None else str(details.key)


def _document(event: Event) -> UUID | None:
    return getattr(event, "document_id", None)


async def _restore_one(
    database: Database, storage: Storage, event: Event, reading: asyncio.Semaphore
) -> bool:
    async with reading:
        effects = await details_of(storage, event)
        async with database.transaction() as connection:
            await apply(connection, effects, None)
    return bool(effects)
