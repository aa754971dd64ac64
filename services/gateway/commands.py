"""What people can do. Each command decides events in one transaction with its read models."""

from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import Database
from libs.common.effects import Effect, Together, apply
from libs.common.errors import Rejected
from libs.common.events import (
    AudioDeleted,
    BookFormat,
    DocumentDeleted,
    DocumentSubmitted,
    NarrationRequested,
    PageEdited,
    PageFormat,
    Source,
)
from libs.common.permissions import Capability
from libs.common.storage import Storage
from libs.common.telemetry import current_traceparent
from services.gateway.access import document_for
from services.gateway.checks import check_pages, check_source, checked_text, one_line, page_to_edit
from services.gateway.completion import complete, go_on
from services.gateway.policy import Policy, decided, forget, lock_owner
from services.gateway.problems import NotFound, Stale
from services.gateway.quota import check_audio_quota
from services.gateway.tables import audios, documents
from services.gateway.uploads import Upload
from services.gateway.voices import choose_voice

MARKDOWN = "text/markdown; charset=utf-8"
MAX_TITLE_CHARACTERS = 255


@dataclass(frozen=True)
class Order:
    """What somebody wants to hear: which pages, how, and whether as one file too.

    ``pages`` None is every page; ``engine`` and ``voice`` None are the site's defaults.
    """

    pages: tuple[int, ...] | None = None
    engine: str | None = None
    voice: str | None = None
    rate: float = 1.0
    format: PageFormat = "m4a"
    audiobook: BookFormat | None = None

    @property
    def formats(self) -> tuple[PageFormat, ...]:
        """The formats that the pages are needed in."""
        if self.audiobook is None:
            return (self.format,)
        needed: PageFormat = "m4a" if self.audiobook == "m4b" else self.audiobook
        return tuple(dict.fromkeys((self.format, needed)))


@dataclass(frozen=True)
class Commands:
    """The commands and what they need."""

    database: Database
    storage: Storage
    policy: Policy
    max_upload_bytes: int
    max_page_bytes: int
    max_audios_per_page: int

    async def submit_stream(
        self,
        caller: UUID,
        chunks: AsyncIterable[bytes],
        *,
        kind: str,
        filename: str | None,
        title: str | None,
        media_type: str = "application/octet-stream",
        document_id: UUID | None = None,
    ) -> UUID:
        """Take a file or a text in, as it arrives, and return the new document's id.

        A caller that may be interrupted chooses the id, and finds the document again by it.

        Raises:
            Rejected: It is too large, or empty.
        """
        upload = await self.receive(chunks, media_type, document_id)
        source = upload.source("text" if kind == "text" else "file", filename)
        submitted, _ = await self.submit(caller, upload.document_id, source, title)
        return submitted

    async def submit_url(
        self, caller: UUID, url: str, title: str | None, document_id: UUID | None = None
    ) -> UUID:
        """Have a web address read, and return the new document's id."""
        source = Source(kind="url", url=url)
        submitted, _ = await self.submit(caller, document_id or uuid4(), source, title)
        return submitted

    async def receive(
        self,
        chunks: AsyncIterable[bytes],
        media_type: str = "application/octet-stream",
        document_id: UUID | None = None,
    ) -> Upload:
        """Store a file or a text as it arrives, for :meth:`submit` or :meth:`discard`.

        Raises:
            Rejected: It is too large, or empty; nothing is stored then.
        """
        document_id = document_id or uuid4()
        key = f"documents/{document_id}/source"
        stored = await self.storage.write_stream(key, chunks, media_type, self.max_upload_bytes)
        if stored.size == 0:
            await self.storage.delete(key)
            raise Rejected("empty", "The file is empty; choose one with something in it.")
        return Upload(document_id, stored)

    async def discard(self, upload: Upload) -> None:
        """Remove what was received, unless a document came of it (a lost answer to a commit)."""
        async with self.database.reading() as connection:
            used = await connection.scalar(
                select(documents.c.document_id).where(
                    documents.c.document_id == str(upload.document_id)
                )
            )
        if used is None:
            await self.storage.delete(upload.stored.key)

    async def submit(
        self,
        caller: UUID,
        document_id: UUID,
        source: Source,
        title: str | None,
        order: Order | None = None,
    ) -> tuple[UUID, UUID | None]:
        """Hand a document in, with an order or without; both or neither.

        Returns the ids of document and narration.

        Raises:
            Rejected: The web address holds credentials; or see :meth:`narrate`.
        """
        check_source(source)
        submitted = DocumentSubmitted(
            document_id=document_id,
            owner_id=caller,
            source=source,
            title=one_line(title, MAX_TITLE_CHARACTERS),
        )
        narration_id = None
        async with self.database.transaction() as connection:
            await self._apply(connection, decided(submitted))
            if order is not None:
                narration_id = await self._narrate(connection, caller, document_id, order)
        return document_id, narration_id

    async def delete_document(self, caller: UUID, document_id: UUID) -> None:
        """Delete a document and everything made from it."""
        async with self.database.transaction() as connection:
            document = await document_for(
                connection, caller, document_id, Capability.DELETE_DOCUMENT
            )
            deleted = DocumentDeleted(document_id=document_id, deleted_by=caller)
            unwanted = forget(document.owner_id, str(document_id))
            following = self._go_on(document.owner_id)
            await self._apply(connection, [*decided(deleted), unwanted, following])

    async def narrate(
        self, caller: UUID, document_id: UUID, order: Order, narration_id: UUID | None = None
    ) -> UUID:
        """Ask for audio, and return the narration's id.

        Raises:
            NotFound: No such document, for this caller.
            Rejected: No such page, voice or engine; the quota is used up.
            Unavailable: No engine has announced itself yet.
        """
        async with self.database.transaction() as connection:
            asked = await self._narrate(connection, caller, document_id, order, narration_id)
        return asked

    async def edit_page(
        self, caller: UUID, document_id: UUID, page: int, markdown: str, revision: int
    ) -> int:
        """Replace a page's text, and return its new revision.

        ``revision`` is the one that the editor saw; somebody else's edit in between is not lost.

        Raises:
            NotFound: No such page, for this caller.
            Stale: The page has another revision by now.
            Rejected: The text is empty or too long.
        """
        text = checked_text(markdown, self.max_page_bytes)
        new = revision + 1
        key = f"documents/{document_id}/pages/{page:05d}.r{new}.{uuid4().hex[:8]}.md"
        async with self.database.reading() as connection:
            await page_to_edit(connection, caller, document_id, page, revision, lock=False)
        stored = await self.storage.write(key, text, MARKDOWN)
        try:
            async with self.database.transaction() as connection:
                row = await page_to_edit(connection, caller, document_id, page, revision)
                edited = PageEdited(
                    document_id=document_id,
                    page=page,
                    revision=new,
                    text=stored,
                    language=row.language or "und",
                    edited_by=caller,
                )
                await self._apply(connection, decided(edited))
        except (NotFound, Stale):
            await self.storage.delete(key)
            raise
        return new

    async def delete_audio(self, caller: UUID, audio_id: UUID) -> None:
        """Delete one page's audio; its voice is free again."""
        async with self.database.transaction() as connection:
            found = await connection.execute(
                select(audios.c.document_id, audios.c.owner_id).where(
                    audios.c.audio_id == str(audio_id), audios.c.deleted_at.is_(None)
                )
            )
            row = found.first()
            if row is None:
                raise NotFound("audio")
            document_id = UUID(row.document_id)
            await document_for(
                connection, caller, document_id, Capability.DELETE_AUDIO, what="audio"
            )
            deleted = AudioDeleted(document_id=document_id, audio_id=audio_id, deleted_by=caller)
            following = [self._go_on(row.owner_id), Together(complete, row.document_id)]
            await self._apply(connection, [*decided(deleted), *following])

    async def _narrate(
        self,
        connection: AsyncConnection,
        caller: UUID,
        document_id: UUID,
        order: Order,
        narration_id: UUID | None = None,
    ) -> UUID:
        document = await document_for(connection, caller, document_id, Capability.REQUEST_AUDIO)
        check_pages(document, order.pages)
        engine, voice = await choose_voice(connection, document, order.engine, order.voice)
        sound = (engine, voice, order.rate)
        limit = self.max_audios_per_page
        await lock_owner(connection, document.owner_id)
        await check_audio_quota(connection, document_id, order.pages, sound, limit)
        asked = NarrationRequested(
            document_id=document_id,
            narration_id=narration_id or uuid4(),
            owner_id=UUID(document.owner_id),
            requested_by=caller,
            pages=order.pages,
            engine=engine,
            voice=voice,
            rate=order.rate,
            formats=order.formats,
            audiobook=order.audiobook,
        )
        await self._apply(connection, [*decided(asked), *self._set_going(asked)])
        return asked.narration_id

    async def _apply(self, connection: AsyncConnection, effects: Sequence[Effect]) -> None:
        await apply(connection, effects, current_traceparent())

    def _set_going(self, asked: NarrationRequested) -> list[Effect]:
        async def want(connection: AsyncConnection) -> Sequence[Effect]:
            return await self.policy.want_pages(connection, asked)

        finished = Together(complete, str(asked.document_id))
        return [want, self._go_on(str(asked.owner_id)), finished]

    def _go_on(self, owner_id: str) -> Effect:
        async def following(connection: AsyncConnection) -> Sequence[Effect]:
            return await go_on(connection, self.policy, owner_id)

        return following
