"""The job that reads one document: parse in the sandbox, announce page by page.

Pages are announced as they come, so that speaking starts while the rest is still read. A job that
is run again skips the pages that its earlier run announced.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol
from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import DETAILS, PageText, ParsedDocument, SubmittedDocument
from libs.common.contracts.documents import DocumentParsed, PageExtracted
from libs.common.contracts.identifiers import as_language, as_media_type
from libs.common.errors import ObjectCorrupt, Rejected
from libs.common.processing.job_kind import Job
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.storage.streams import in_thread
from libs.common.store.effects import Effect
from libs.common.store.history import History
from libs.common.work_folders import work_folder
from services.ingest.jobs import ReadJob
from services.ingest.pages.contents import contents
from services.ingest.pages.document import Metadata, Page
from services.ingest.pages.pictures import picture_type
from services.ingest.pages.titles import document_title

ANNOUNCE_AT_ONCE = 2
ANNOUNCE_EVERY_S = 0.25
PAGES_AT_ONCE = 16


class Parser(Protocol):
    """Reads an untrusted file: pages in order, then the metadata."""

    def parse(self, path: Path, filename: str | None) -> AsyncIterator[Page | Metadata]:
        """Yield what the file says. Raises Rejected with a reason for the owner."""
        ...


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Reads documents."""

    storage: Storage
    history: History
    parser: Parser

    async def parse(self, job: Job[ReadJob]) -> Sequence[Effect]:
        """Read one document. Raises Rejected when it cannot be read."""
        event = job.payload
        submitted = await read_details(self.storage, event.details, SubmittedDocument)
        stream = PageExtracted.stream_of(document_id=event.document_id)
        announced = {known.page for known in await self.history.of(stream, PageExtracted)}
        announcer = _Announcer(self.storage, job, nonce=submitted.nonce, announced=announced)
        metadata: Metadata | None = None
        async with self._local_copy(submitted) as path:
            async for item in self.parser.parse(path, submitted.filename):
                if isinstance(item, Page):
                    await announcer.take(item)
                else:
                    metadata = item
        await announcer.flush()
        if metadata is None or announcer.pages == 0:
            raise Rejected("empty", "The document has no text that could be read aloud.")
        parsed = await self._details(event.document_id, submitted, metadata)
        details = await self.storage.write(
            f"documents/{event.document_id}/parsed.json", parsed.encode(), DETAILS
        )
        return [
            DocumentParsed(
                document_id=event.document_id,
                owner_id=event.owner_id,
                page_count=announcer.pages,
                markdown_characters=announcer.characters,
                chapter_count=len(parsed.chapters),
                language=as_language(metadata.language),
                media_type=as_media_type(metadata.media_type),
                details=details,
            )
        ]

    @asynccontextmanager
    async def _local_copy(self, submitted: SubmittedDocument) -> AsyncIterator[Path]:
        """Lend a copy of the source, for the parser alone, that is what was recorded."""
        source = submitted.object
        if source is None:
            raise Rejected("no_source", "The submission names no file.")
        with work_folder() as folder:
            path = folder / "source"
            await self.storage.fetch(source.key, path)
            if await in_thread(_digest, path) != source.sha256:
                raise ObjectCorrupt(source.key)
            yield path

    async def _details(
        self,
        document_id: UUID,
        submitted: SubmittedDocument,
        found: Metadata,
    ) -> ParsedDocument:
        return ParsedDocument(
            nonce=submitted.nonce,
            title=document_title(submitted.title, found.title, submitted.filename),
            author=found.author,
            chapters=contents(found.chapters),
            cover=await self._cover(document_id, found),
            warnings=tuple(found.warnings),
        )

    async def _cover(self, document_id: UUID, found: Metadata) -> ObjectRef | None:
        media_type = picture_type(found.cover or b"")
        if found.cover is None or media_type is None:
            return None
        return await self.storage.write(f"documents/{document_id}/cover", found.cover, media_type)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Announcer:
    """Stores pages and announces them: the first ones at once, then a few times a second."""

    def __init__(
        self, storage: Storage, job: Job[ReadJob], *, nonce: str, announced: set[int]
    ) -> None:
        self.pages = 0
        self.characters = 0
        self._storage = storage
        self._job = job
        self._nonce = nonce
        self._announced = announced
        self._waiting: list[Page] = []
        self._last = monotonic()

    async def take(self, page: Page) -> None:
        self.pages += 1
        self.characters += len(page.markdown)
        if page.number in self._announced:
            return
        self._waiting.append(page)
        first = page.number <= ANNOUNCE_AT_ONCE
        full = len(self._waiting) >= PAGES_AT_ONCE
        if first or full or monotonic() - self._last > ANNOUNCE_EVERY_S:
            await self.flush()

    async def flush(self) -> None:
        pages, self._waiting = self._waiting, []
        if pages:
            await self._job.record(await self._stored(pages))
        self._last = monotonic()

    async def _stored(self, pages: Sequence[Page]) -> list[PageExtracted]:
        event = self._job.payload
        texts = {
            f"documents/{event.document_id}/pages/{page.number:05d}.r0.json": PageText(
                nonce=self._nonce, markdown=page.markdown, title=page.title
            ).encode()
            for page in pages
        }
        written = await self._storage.write_some(texts, DETAILS)
        return [
            PageExtracted(
                document_id=event.document_id,
                owner_id=event.owner_id,
                page=page.number,
                text=text,
                markdown_characters=len(page.markdown),
                language=as_language(page.language),
            )
            for page, text in zip(pages, written, strict=True)
        ]
