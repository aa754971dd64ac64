"""What people can do to documents and pages; each decides events in one transaction."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from libs.common.contracts.details import (
    DETAILS,
    MAX_TITLE_CHARACTERS,
    PageText,
    SubmittedDocument,
)
from libs.common.contracts.documents import DocumentDeleted, DocumentSubmitted, PageEdited
from libs.common.contracts.identifiers import OCTETS, as_language
from libs.common.contracts.permissions import Capability
from libs.common.errors import Rejected
from libs.common.store.effects import Effect
from services.gateway.documents.checks import check_url, checked_text, one_line
from services.gateway.documents.kept_details import details_row
from services.gateway.documents.selects import document_for, page_to_edit
from services.gateway.documents.stored.storage_bounds import room_for_document
from services.gateway.documents.uploads import (
    MAX_NAME_CHARACTERS,
    StoredSubmission,
    StoredUpload,
    Submission,
)
from services.gateway.kernel.pending import PendingObjects, taken, too_slow
from services.gateway.kernel.record import Kernel


@dataclass(frozen=True)
class DocumentCommands:
    """The commands."""

    kernel: Kernel

    @property
    def _pending(self) -> PendingObjects:
        return PendingObjects(self.kernel)

    async def receive(
        self,
        chunks: AsyncIterable[bytes],
        media_type: str = OCTETS,
        document_id: UUID | None = None,
    ) -> StoredUpload:
        """Store a file or a text as it arrives, for :meth:`submit` or :meth:`discard`.

        Raises:
            Rejected: It is too large, too slow or empty; nothing is stored then.
        """
        limits = self.kernel.limits
        document_id = document_id or uuid4()
        key, details_key = f"documents/{document_id}/source.{_token()}", _details_key(document_id)
        async with self._pending.storing(key, details_key):
            try:
                async with asyncio.timeout(limits.upload_timeout_seconds):
                    stored = await self.kernel.storage.write_stream(
                        key, chunks, media_type, limits.max_upload_bytes
                    )
            except TimeoutError:
                raise too_slow() from None
            if stored.size == 0:
                raise Rejected("empty", "The file is empty; choose one with something in it.")
        return StoredUpload(document_id, stored, details_key)

    async def discard(self, upload: StoredUpload) -> None:
        """Have removed what was stored, unless a document came of it."""
        await self._pending.discard(upload.stored.key, upload.details_key)

    async def submit(self, submission: Submission) -> UUID:
        """Hand a document in, and return its id.

        Raises:
            Rejected: The web address holds credentials, or the owner has no room.
        """
        async with self.storing(submission) as stored, self.kernel.transaction() as command:
            await command.apply(self.submitting(stored))
        self.kernel.metrics.documents_submitted_total.inc()
        return submission.document_id

    @asynccontextmanager
    async def storing(self, submission: Submission) -> AsyncIterator[StoredSubmission]:
        """Store the details of a submission, for :meth:`submitting`.

        If that fails they are removed, unless there is an upload: discarding it removes both.

        Raises:
            Rejected: The web address holds credentials.
        """
        source = submission.source
        if source.url is not None:
            check_url(source.url)
        details = SubmittedDocument(
            object=source.object,
            url=source.url,
            filename=one_line(source.filename, MAX_NAME_CHARACTERS),
            title=one_line(submission.title, MAX_TITLE_CHARACTERS),
        )
        if submission.details_key is not None:
            yield await self._stored(submission, details, submission.details_key)
            return
        key = _details_key(submission.document_id)
        async with self._pending.storing(key):
            yield await self._stored(submission, details, key)

    async def _stored(
        self, submission: Submission, details: SubmittedDocument, key: str
    ) -> StoredSubmission:
        stored = await self.kernel.storage.write(key, details.encode(), DETAILS)
        return StoredSubmission(submission, details, stored)

    def submitting(self, stored: StoredSubmission) -> list[Effect]:
        """Return the effects of handing a document in, for a transaction that may do more.

        To apply them raises Rejected if it was received too long ago, or its owner has no room.
        """
        submission = stored.submission
        submitted = DocumentSubmitted(
            document_id=submission.document_id,
            owner_id=submission.owner_id,
            source_kind=submission.source.kind,
            details=stored.stored,
        )
        kept = details_row(submission.document_id, stored.stored.key, body=stored.details)
        source = submission.source.object
        take = taken(*(ref.key for ref in filter(None, (stored.stored, source))))
        size = 0 if source is None else source.size
        room = room_for_document(self.kernel.limits, submission.owner_id, size)
        return [room, take, kept, *self.kernel.record(submitted)]

    async def delete(self, caller: UUID, document_id: UUID) -> None:
        """Delete a document and everything made from it."""
        async with self.kernel.transaction() as command:
            connection = command.connection
            document = await document_for(
                connection, caller, document_id, Capability.DELETE_DOCUMENT
            )
            deleted = DocumentDeleted(
                document_id=document_id, owner_id=document.owner_id, deleted_by=caller
            )
            await command.apply(self.kernel.record(deleted))

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
        text = checked_text(markdown, self.kernel.limits.max_page_bytes)
        new = revision + 1
        key = f"documents/{document_id}/pages/{page:05d}.r{new}.{_token()}.json"
        async with self.kernel.database.reading() as connection:
            document, _ = await page_to_edit(
                connection, caller, document_id, page, revision, lock=False
            )
        content = PageText(markdown=text, title=document.chapter_title(page))
        async with self._pending.storing(key):
            stored = await self.kernel.storage.write(key, content.encode(), DETAILS)
            async with self.kernel.transaction() as command:
                connection = command.connection
                _, row = await page_to_edit(connection, caller, document_id, page, revision)
                edited = PageEdited(
                    document_id=document_id,
                    owner_id=document.owner_id,
                    page=page,
                    revision=new,
                    text=stored,
                    markdown_characters=len(text),
                    language=as_language(row.language),
                    edited_by=caller,
                )
                await command.apply([taken(key), *self.kernel.record(edited)])
        return new


def _details_key(document_id: UUID) -> str:
    return f"documents/{document_id}/submitted.{_token()}.json"


def _token() -> str:
    """Return what makes a key one that was never used."""
    return uuid4().hex[:12]
