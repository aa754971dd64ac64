"""What an owner can do to a document as a whole."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from libs.common.contracts.details import DETAILS, DocumentTitle
from libs.common.contracts.documents import DocumentRenamed, DocumentRetried, DocumentSubmitted
from libs.common.contracts.permissions import Capability
from libs.common.store.event_store import load
from services.gateway.documents.kept_details import details_row
from services.gateway.documents.listing.document_titles import checked_title
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import document_for, document_to_change
from services.gateway.kernel.errors import NotFound, NothingToRetry, Stale
from services.gateway.kernel.pending import PendingObjects, taken
from services.gateway.kernel.record import Kernel


@dataclass(frozen=True)
class UpkeepCommands:
    """The commands."""

    kernel: Kernel

    async def rename(self, caller: UUID, document_id: UUID, title: str, revision: int) -> int:
        """Give a document another title, and return the new revision of it.

        ``revision`` is the one that the caller saw; somebody else's title in between is not lost.

        Raises:
            NotFound, Forbidden: The caller may not.
            Rejected: It is no title.
            Stale: The document has another revision by now.
        """
        async with self.kernel.database.reading() as connection:
            document = await document_for(connection, caller, document_id, Capability.RENAME)
            _check_revision(document, revision)
        details, new = DocumentTitle(title=checked_title(title)), revision + 1
        key = f"documents/{document_id}/title.r{new}.{uuid4().hex[:12]}.json"
        async with PendingObjects(self.kernel).storing(key):
            stored = await self.kernel.storage.write(key, details.encode(), DETAILS)
            async with self.kernel.transaction() as command:
                document = await document_to_change(
                    command.connection, caller, document_id, Capability.RENAME
                )
                _check_revision(document, revision)
                renamed = DocumentRenamed(
                    document_id=document_id,
                    owner_id=document.owner_id,
                    revision=new,
                    details=stored,
                    renamed_by=caller,
                )
                kept = details_row(document_id, key, body=details)
                await command.apply([taken(key), kept, *self.kernel.record(renamed)])
        return new

    async def retry_parsing(self, caller: UUID, document_id: UUID) -> None:
        """Have a document read again that could not be read.

        Raises:
            NotFound, Forbidden: The caller may not.
            NothingToRetry: It was read, or is being read.
        """
        async with self.kernel.transaction() as command:
            connection = command.connection
            document = await document_to_change(
                connection, caller, document_id, Capability.RETRY_PARSING
            )
            if not (document.is_rejected or document.is_given_up):
                raise NothingToRetry(
                    "Only a document that could not be read is read again, and this one "
                    f"{'was' if document.parsed_at else 'is just being'} read."
                )
            stream = DocumentSubmitted.stream_of(document_id=document_id)
            submitted = await load(connection, [stream], DocumentSubmitted.topic)
            if not submitted or not isinstance(submitted[0], DocumentSubmitted):
                raise NotFound("document")
            retried = DocumentRetried(
                document_id=document_id,
                owner_id=document.owner_id,
                attempt=document.attempt + 1,
                source_kind=document.source_kind,
                details=submitted[0].details,
                retried_by=caller,
            )
            await command.apply(self.kernel.record(retried))


def _check_revision(document: DocumentRow, revision: int) -> None:
    if document.revision != revision:
        raise Stale("Somebody renamed this document meanwhile; read it again before you do.")
