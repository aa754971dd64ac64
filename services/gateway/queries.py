"""What people see, read from the read models; what one may not see is not found."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import AnyRow, Database
from libs.common.errors import Rejected
from libs.common.permissions import Capability
from services.gateway.access import document_for
from services.gateway.gathering import gather, read_narrations
from services.gateway.problems import NotFound
from services.gateway.progress import Facts, narration_view, selected_ready
from services.gateway.tables import (
    audiobooks,
    audios,
    documents,
    narrations,
    pages,
    voices,
)
from services.gateway.views import (
    AudiobookView,
    AudioView,
    DocumentView,
    EngineView,
    NarrationView,
    PageView,
    audio_view,
    audiobook_view,
    document_view,
    engine_view,
    page_view,
)
from services.gateway.voices import default_engine

V = TypeVar("V")


@dataclass(frozen=True)
class Slice(Generic[V]):
    """Some of a list, and where the next ones begin; ``following`` is None at its end."""

    items: tuple[V, ...]
    following: str | None


@dataclass(frozen=True)
class Queries:
    """The queries and what they need. ``caller`` is who asks; every answer is what it may see."""

    database: Database

    async def documents(self, caller: UUID, limit: int, after: str | None) -> Slice[DocumentView]:
        """Return the caller's documents, newest first, from behind the cursor ``after``.

        Raises:
            Rejected: The cursor is none of ours.
        """
        read = (
            select(pages.c.document_id, func.count().label("pages_ready"))
            .where(pages.c.extracted_characters.is_not(None))
            .group_by(pages.c.document_id)
            .subquery()
        )
        position = (documents.c.submitted_at, documents.c.document_id)
        found = (
            select(documents, func.coalesce(read.c.pages_ready, 0).label("pages_ready"))
            .outerjoin(read, read.c.document_id == documents.c.document_id)
            .where(documents.c.owner_id == str(caller), documents.c.deleted_at.is_(None))
            .order_by(*(each.desc() for each in position))
            .limit(limit + 1)
        )
        if after is not None:
            found = found.where(tuple_(*position) < tuple_(*_position(after)))
        async with self.database.reading() as connection:
            rows = (await connection.execute(found)).all()
        views = tuple(document_view(row, row.pages_ready) for row in rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return Slice(views, _cursor(last.submitted_at, last.document_id) if last else None)

    async def document(self, caller: UUID, document_id: UUID) -> DocumentView:
        """Return a document.

        Raises:
            NotFound: There is none that the caller may see; so do all queries below.
        """
        async with self.database.reading() as connection:
            return await read_document(connection, caller, document_id)

    async def pages(
        self, caller: UUID, document_id: UUID, limit: int, after: int = 0
    ) -> Slice[PageView]:
        """Return the pages behind page ``after`` that were read so far, in order."""
        chosen = (
            _pages_of(document_id)
            .where(pages.c.page > after)
            .order_by(pages.c.page)
            .limit(limit + 1)
        )
        async with self.database.reading() as connection:
            await document_for(connection, caller, document_id, Capability.SEE_DOCUMENT)
            rows = (await connection.execute(chosen)).all()
        views = tuple(page_view(row) for row in rows[:limit])
        return Slice(views, str(views[-1].page) if len(rows) > limit else None)

    async def page(
        self, caller: UUID, document_id: UUID, page: int
    ) -> tuple[PageView, tuple[AudioView, ...]]:
        """Return a page and the audios of its text as it is now, newest first."""
        async with self.database.reading() as connection:
            await document_for(
                connection, caller, document_id, Capability.SEE_DOCUMENT, what="page"
            )
            row = await _one(connection, _pages_of(document_id).where(pages.c.page == page), "page")
            view = page_view(row)
            spoken = await _audios(
                connection,
                audios.c.document_id == str(document_id),
                audios.c.page == page,
                audios.c.revision == view.revision,
            )
        return view, tuple(reversed(spoken))

    async def audio(
        self,
        caller: UUID,
        audio_id: UUID,
        capability: Capability = Capability.SEE_DOCUMENT,
    ) -> tuple[AudioView, DocumentView]:
        """Return an audio and the document it is of."""
        async with self.database.reading() as connection:
            found = await _audios(connection, audios.c.audio_id == str(audio_id))
            if not found:
                raise NotFound("audio")
            document = await read_document(
                connection, caller, found[0].document_id, "audio", capability
            )
        return found[0], document

    async def audiobook(
        self,
        caller: UUID,
        audiobook_id: UUID,
        capability: Capability = Capability.SEE_DOCUMENT,
    ) -> tuple[AudiobookView, DocumentView]:
        """Return an audiobook and the document it is of."""
        chosen = select(audiobooks).where(
            audiobooks.c.audiobook_id == str(audiobook_id),
            audiobooks.c.requested_at.is_not(None),
        )
        async with self.database.reading() as connection:
            view = audiobook_view(await _one(connection, chosen, "audiobook"))
            document = await read_document(
                connection, caller, view.document_id, "audiobook", capability
            )
        return view, document

    async def has_book(self, narration_id: UUID) -> bool:
        """Return whether a narration's audiobook can be downloaded; one cheap look."""
        ready = select(audiobooks.c.audiobook_id).where(
            audiobooks.c.narration_id == str(narration_id), audiobooks.c.ready_at.is_not(None)
        )
        return bool(await self.database.fetch(ready))

    async def narration(self, caller: UUID, narration_id: UUID) -> NarrationView:
        """Return a narration and how far it is."""
        async with self.database.reading() as connection:
            facts = await self._facts(connection, caller, narration_id)
        return narration_view(facts)

    async def narrations(self, caller: UUID, document_id: UUID) -> tuple[NarrationView, ...]:
        """Return the narrations of a document, newest first."""
        async with self.database.reading() as connection:
            document = await document_for(connection, caller, document_id, Capability.SEE_DOCUMENT)
            return await read_narrations(connection, document)

    async def page_audios(self, caller: UUID, narration_id: UUID) -> tuple[AudioView, ...]:
        """Return the audios of a narration's pages that are ready, in the order of the pages."""
        async with self.database.reading() as connection:
            facts = await self._facts(connection, caller, narration_id)
            spoken = await _audios(connection, audios.c.document_id == facts.document.document_id)
        chosen = {row.audio_id for row in selected_ready(facts)}
        ready = [each for each in spoken if str(each.audio_id) in chosen]
        return tuple(sorted(ready, key=lambda each: each.page))

    async def voices(self) -> tuple[EngineView, ...]:
        """Return every engine that has announced itself and its voices; the default one first."""
        async with self.database.reading() as connection:
            rows = (await connection.execute(select(voices).order_by(voices.c.engine))).all()
        if not rows:
            return ()
        default = default_engine(rows)
        first = sorted(rows, key=lambda row: row is not default)
        return tuple(engine_view(row, row is default) for row in first)

    async def _facts(self, connection: AsyncConnection, caller: UUID, narration_id: UUID) -> Facts:
        chosen = select(narrations).where(narrations.c.narration_id == str(narration_id))
        narration = await _one(connection, chosen, "narration")
        document = await document_for(
            connection,
            caller,
            UUID(narration.document_id),
            Capability.SEE_DOCUMENT,
            what="narration",
        )
        return (await gather(connection, document, [narration]))[0]


async def read_document(
    connection: AsyncConnection,
    caller: UUID,
    document_id: UUID,
    what: str = "document",
    capability: Capability = Capability.SEE_DOCUMENT,
) -> DocumentView:
    """Return a document as ``caller`` sees it.

    Raises:
        NotFound: There is none that the caller may see; it is called ``what``.
    """
    row = await document_for(connection, caller, document_id, capability, what)
    counted = select(func.count()).where(
        pages.c.document_id == str(document_id), pages.c.extracted_characters.is_not(None)
    )
    return document_view(row, await connection.scalar(counted) or 0)


async def _audios(connection: AsyncConnection, *which: ColumnElement[bool]) -> list[AudioView]:
    """Audios that were requested and not deleted, oldest first."""
    rows = await connection.execute(
        select(audios)
        .where(audios.c.requested_at.is_not(None), audios.c.deleted_at.is_(None), *which)
        .order_by(audios.c.requested_at, audios.c.audio_id)
    )
    return [audio_view(row) for row in rows]


async def _one(connection: AsyncConnection, chosen: Select[*tuple[Any, ...]], what: str) -> AnyRow:
    row = (await connection.execute(chosen)).first()
    if row is None:
        raise NotFound(what)
    return row


def _pages_of(document_id: UUID) -> Select[*tuple[Any, ...]]:
    return select(pages).where(
        pages.c.document_id == str(document_id), pages.c.extracted_characters.is_not(None)
    )


def _cursor(submitted_at: str, document_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([submitted_at, document_id]).encode()).decode()


def _position(cursor: str) -> tuple[str, str]:
    try:
        submitted_at, document_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        datetime.fromisoformat(submitted_at)  # what is no moment may be no text for the database
        return submitted_at, str(UUID(document_id))
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise Rejected(
            "bad_cursor", "This is no place in the list; take the one that the last answer gave."
        ) from error
