"""Where a document stands, for those who watch it: small parts that can be compared one by one."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import Database
from libs.common.permissions import Capability
from services.gateway.access import document_for
from services.gateway.gathering import CUTTING, SPEAKING, read_narrations
from services.gateway.queries import read_document
from services.gateway.tables import audiobooks, audios, documents, narrations, pages, wanted
from services.gateway.views import (
    AudioState,
    DocumentView,
    Failure,
    NarrationView,
    PageState,
    audio_state,
    page_state,
)

Stamp = tuple[Any, ...]
"""Figures that differ whenever a part does: every event sets something or raises a number."""


FIGURES: tuple[tuple[Table, list[ColumnElement[Any]]], ...] = (
    (documents, [func.count(documents.c.parsed_at), func.count(documents.c.rejected_at)]),
    (
        pages,
        [
            func.count(pages.c.extracted_characters),
            func.sum(pages.c.edited_revision),
            func.count(pages.c.segments_revision),
            func.sum(pages.c.segments_revision),
            func.sum(pages.c.utterances),
            func.count(pages.c.failed_code),
        ],
    ),
    (
        audios,
        [
            func.count(audios.c.requested_at),
            func.sum(audios.c.done),
            func.sum(audios.c.total),
            func.count(audios.c.ready_at),
            func.count(audios.c.failed_at),
            func.count(audios.c.deleted_at),
        ],
    ),
    (narrations, []),
    (
        audiobooks,
        [
            func.count(audiobooks.c.requested_at),
            func.count(audiobooks.c.ready_at),
            func.count(audiobooks.c.failed_at),
        ],
    ),
    (wanted, []),
)


@dataclass(frozen=True)
class PageStanding:
    """Where a page stands."""

    page: int
    revision: int
    state: PageState
    failure: Failure | None


@dataclass(frozen=True)
class AudioStanding:
    """Where an audio stands: ``done`` of ``total`` utterances are spoken."""

    audio_id: UUID
    page: int
    revision: int
    state: AudioState
    done: int
    total: int | None
    duration_ms: int | None
    failure: Failure | None


@dataclass(frozen=True)
class Status:
    """A document and all that is made of it."""

    document: DocumentView
    pages: tuple[PageStanding, ...]
    audios: tuple[AudioStanding, ...]
    narrations: tuple[NarrationView, ...]


@dataclass(frozen=True)
class Watch:
    """Reads one document's status again and again, as ``caller`` sees it."""

    database: Database
    caller: UUID
    document_id: UUID

    async def look(self, last: Stamp | None) -> tuple[Stamp, Status | None]:
        """Return the stamp and, unless it is ``last``, the status.

        Raises:
            NotFound: There is no such document for the caller, or no longer.
        """
        async with self.database.reading() as connection:
            capability = Capability.SEE_DOCUMENT
            row = await document_for(connection, self.caller, self.document_id, capability)
            stamp = await _stamp(connection, str(self.document_id))
            if stamp == last:
                return stamp, None
            return stamp, Status(
                document=await read_document(connection, self.caller, self.document_id),
                pages=await _pages(connection, str(self.document_id)),
                audios=await _audios(connection, str(self.document_id)),
                narrations=await read_narrations(connection, row),
            )


async def _stamp(connection: AsyncConnection, document_id: str) -> Stamp:
    found: list[Any] = []
    for table, figures in FIGURES:
        counted = select(func.count(), *figures).where(table.c.document_id == document_id)
        found += tuple((await connection.execute(counted)).one())
    return tuple(found)


async def _pages(connection: AsyncConnection, document_id: str) -> tuple[PageStanding, ...]:
    rows = await connection.execute(
        select(*CUTTING)
        .where(pages.c.document_id == document_id, pages.c.extracted_characters.is_not(None))
        .order_by(pages.c.page)
    )
    return tuple(
        PageStanding(row.page, row.edited_revision or 0, state, failure)
        for row in rows
        for state, failure in [page_state(row)]
    )


async def _audios(connection: AsyncConnection, document_id: str) -> tuple[AudioStanding, ...]:
    rows = await connection.execute(
        select(*SPEAKING)
        .where(
            audios.c.document_id == document_id,
            audios.c.requested_at.is_not(None),
            audios.c.deleted_at.is_(None),
        )
        .order_by(audios.c.page, audios.c.requested_at)
    )
    return tuple(
        AudioStanding(
            audio_id=UUID(row.audio_id),
            page=row.page,
            revision=row.revision,
            state=state,
            done=row.done or 0,
            total=row.total,
            duration_ms=row.duration_ms,
            failure=failure,
        )
        for row in rows
        for state, failure in [audio_state(row)]
    )
