"""Typed rows of narrations and of the pages they wait for, read from their tables."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among
from services.gateway.audio.selects import REQUESTED
from services.gateway.audio.tables import IN_FLIGHT, audiobooks, audios
from services.gateway.documents.selects import EXISTS, IS_CUT
from services.gateway.documents.tables import documents, pages
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.rows import RowReader
from services.gateway.narrations.rows import NarrationRow, RequestedPage
from services.gateway.narrations.tables import narrations, page_requests

NARRATIONS = RowReader(NarrationRow, narrations)
REQUESTED_PAGES = RowReader(RequestedPage, page_requests, pages, narrations)


async def narration_row(connection: AsyncConnection, narration_id: UUID) -> NarrationRow:
    """Return a narration.

    Raises:
        NotFound: There is none.
    """
    this = (narrations.c.narration_id == str(narration_id), narrations.c.requested_at.is_not(None))
    row = await NARRATIONS.first(connection, NARRATIONS.select().where(*this))
    if row is None:
        raise NotFound("narration")
    return row


async def narrations_of(
    connection: AsyncConnection, ids: Collection[UUID], *, newest_first: bool = False
) -> list[NarrationRow]:
    """Return the narrations of documents."""
    about = among(narrations.c.document_id, [str(document_id) for document_id in ids])
    wanted = NARRATIONS.select().where(about, narrations.c.requested_at.is_not(None))
    if newest_first:
        wanted = wanted.order_by(narrations.c.requested_at.desc(), narrations.c.narration_id)
    return await NARRATIONS.all(connection, wanted)


WAITS = exists().where(page_requests.c.narration_id == narrations.c.narration_id)
HAS_AUDIOBOOK = exists().where(
    audiobooks.c.narration_id == narrations.c.narration_id, audiobooks.c.requested_at.is_not(None)
)
IS_OPEN = narrations.c.requested_at.is_not(None) & narrations.c.ended_at.is_(None)
IS_INTERESTED = narrations.c.requested_at.is_not(None) & (
    narrations.c.ended_at.is_(None)
    | narrations.c.ended_before_read
    | (narrations.c.pages_missing > 0)
)
"""See :meth:`NarrationRow.is_interested_in`."""


async def narrations_without_audiobook(
    connection: AsyncConnection, document_id: UUID
) -> list[NarrationRow]:
    """Return the narrations of a document that want an audiobook, have none, wait for no page."""
    wanted = _at_rest(document_id).where(narrations.c.audiobook.is_not(None), ~HAS_AUDIOBOOK)
    return await NARRATIONS.all(connection, wanted)


async def narrations_at_rest(connection: AsyncConnection, document_id: UUID) -> list[NarrationRow]:
    """Return the narrations of a document that wait for no page, and are not settled.

    That is looked at first: working out how far they are takes as long as they have pages.
    """
    lacks_audiobook = narrations.c.audiobook.is_not(None) & ~HAS_AUDIOBOOK
    return await NARRATIONS.all(connection, _at_rest(document_id).where(IS_OPEN | lacks_audiobook))


def _at_rest(document_id: UUID) -> Select[Any]:
    """Narrations of a document of which nothing is waiting, being spoken or still to be read."""
    speaking = exists().where(audios.c.document_id == str(document_id), REQUESTED, IN_FLIGHT)
    is_read = (
        documents.c.parsed_at.is_not(None)
        | documents.c.rejected_at.is_not(None)
        | documents.c.given_up_at.is_not(None)
    )
    known = exists().where(documents.c.document_id == str(document_id), is_read)
    return (
        NARRATIONS.select()
        .where(narrations.c.document_id == str(document_id), narrations.c.requested_at.is_not(None))
        .where(~WAITS, ~speaking, known)
    )


async def interested_narrations(
    connection: AsyncConnection, document_id: UUID, narration_id: UUID | None = None
) -> list[NarrationRow]:
    """Return the narrations of a document that may still have to be given audio for its pages."""
    wanted = NARRATIONS.select().where(narrations.c.document_id == str(document_id), IS_INTERESTED)
    if narration_id is not None:
        wanted = wanted.where(narrations.c.narration_id == str(narration_id))
    return await NARRATIONS.all(connection, wanted)


async def interesting_documents(connection: AsyncConnection) -> list[UUID]:
    """Return the documents that any narration is interested in."""
    found = select(narrations.c.document_id).where(IS_INTERESTED).distinct()
    return [UUID(document) for document in await connection.scalars(found)]


async def open_narration(connection: AsyncConnection, narration_id: UUID) -> NarrationRow | None:
    """Return a narration that has not ended; None if it has."""
    this = narrations.c.narration_id == str(narration_id)
    return await NARRATIONS.first(connection, NARRATIONS.select().where(this, IS_OPEN))


async def open_narrations_of(
    connection: AsyncConnection, ids: Collection[UUID]
) -> list[NarrationRow]:
    """Return the narrations of documents that have not ended."""
    about = among(narrations.c.document_id, [str(document_id) for document_id in ids])
    return await NARRATIONS.all(connection, NARRATIONS.select().where(about, IS_OPEN))


async def next_requested(
    connection: AsyncConnection, owner_id: UUID, limit: int
) -> list[RequestedPage]:
    """Return the pages of an owner that are next and can be spoken, at most ``limit``."""
    same_page = and_(
        pages.c.document_id == page_requests.c.document_id, pages.c.page == page_requests.c.page
    )
    wanted = (
        REQUESTED_PAGES.select()
        .join(pages, same_page)
        .join(narrations, narrations.c.narration_id == page_requests.c.narration_id)
        .join(documents, documents.c.document_id == page_requests.c.document_id)
        .where(page_requests.c.owner_id == str(owner_id), IS_CUT, EXISTS)
        .order_by(page_requests.c.requested_at, page_requests.c.narration_id, page_requests.c.page)
        .limit(limit)
    )
    return await REQUESTED_PAGES.all(connection, wanted)


async def waiting_pages(connection: AsyncConnection, document_id: UUID) -> dict[UUID, set[int]]:
    """Return the pages of a document that wait for their turn, by narration."""
    waiting: dict[UUID, set[int]] = {}
    queue = select(page_requests.c.narration_id, page_requests.c.page)
    found = await connection.execute(queue.where(page_requests.c.document_id == str(document_id)))
    for narration_id, page in found:
        waiting.setdefault(UUID(narration_id), set()).add(page)
    return waiting


async def is_over(connection: AsyncConnection, narration_id: UUID) -> bool:
    """Return whether a narration has ended, or its document is gone; one cheap look."""
    goes_on = (
        select(narrations.c.narration_id)
        .join(documents, documents.c.document_id == narrations.c.document_id)
        .where(narrations.c.narration_id == str(narration_id), IS_OPEN, EXISTS)
    )
    return await connection.scalar(goes_on) is None
