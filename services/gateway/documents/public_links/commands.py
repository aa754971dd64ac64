"""What owners can do about the public links of a document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from libs.common.contracts.permissions import Capability
from libs.common.contracts.sharing import ListenLinkMade
from libs.common.database.advisory_locks import lock_all
from libs.common.store.event_store import version_of
from services.gateway.accounts.callers import Maker
from services.gateway.accounts.tokens import check_still_valid
from services.gateway.documents.checks import one_line
from services.gateway.documents.selects import document_for
from services.gateway.kernel.record import CommandTransaction, Kernel
from services.gateway.sharing.listen_links.decide import LinkedDocument
from services.gateway.sharing.listen_links.link_secrets import LinkSecret, forgotten_secret
from services.gateway.sharing.listen_links.selects import links_of_document

MAX_LABEL_CHARACTERS = 100


@dataclass(frozen=True)
class LinkCommands:
    """The commands."""

    kernel: Kernel
    maker: Maker | None = None
    """The credentials that ask for it; None: nobody's, who asks from the command line."""

    async def make(
        self, caller: UUID, document_id: UUID, label: str | None, expires_at: datetime | None
    ) -> tuple[UUID, str]:
        """Make a link, and return its id and its secret, which cannot be shown again.

        Raises:
            NotFound, Forbidden: The caller may not.
            Rejected, QuotaExceeded: See :meth:`LinkedDocument.make`.
            Conflict: Somebody made or revoked one at the same moment.
        """
        secret = LinkSecret()
        async with self._linked(caller, document_id) as (command, linked, version):
            made, expired = linked.make(caller, expires_at)
            called = one_line(label, MAX_LABEL_CHARACTERS)
            gone = [forgotten_secret(event.link_id) for event in expired]
            decided = self.kernel.record_at(version, *expired, made)
            await command.apply([*gone, secret.kept(made, called), *decided])
        return made.link_id, secret.secret

    async def revoke(self, caller: UUID, document_id: UUID, link_id: UUID) -> None:
        """Have a link open nothing any more; errors as for :meth:`make`."""
        async with self._linked(caller, document_id) as (command, linked, version):
            ended = linked.revoke(caller, link_id)
            decided = self.kernel.record_at(version, ended)
            await command.apply([forgotten_secret(link_id), *decided])

    @asynccontextmanager
    async def _linked(
        self, caller: UUID, document_id: UUID
    ) -> AsyncIterator[tuple[CommandTransaction, LinkedDocument, int]]:
        """Yield a document with its links, and the version of them that this is.

        The locks are those of deleting a document and of closing an account, which end all links:
        none is made after that.
        """
        async with self.kernel.transaction() as command:
            connection = command.connection
            await lock_all(connection, [caller, f"user/{caller}"])
            version = await version_of(
                connection, ListenLinkMade.stream_of(document_id=document_id)
            )
            document = await document_for(connection, caller, document_id, Capability.MANAGE_LINKS)
            await check_still_valid(connection, caller, self.maker)
            linked = LinkedDocument(
                document_id=document_id,
                owner_id=document.owner_id,
                links=await links_of_document(connection, document_id),
                now=datetime.now(UTC),
            )
            yield command, linked, version
