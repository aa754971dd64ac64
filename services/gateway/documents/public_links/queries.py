"""What owners can read of the public links of a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import Capability
from libs.common.database.engine import Database
from services.gateway.documents.public_links.views import ListenLinkView, link_view
from services.gateway.documents.selects import document_for
from services.gateway.kernel.errors import NotFound
from services.gateway.sharing.listen_links.selects import links_of_document


@dataclass(frozen=True)
class LinkQueries:
    """The queries. ``caller`` is who asks."""

    database: Database

    async def links(self, caller: UUID, document_id: UUID) -> Sequence[ListenLinkView]:
        """Return the links of a document that nobody has revoked, the oldest first.

        Raises:
            NotFound, Forbidden: The caller may not see them.
        """
        now = rfc3339(datetime.now(UTC))
        async with self.database.reading() as connection:
            await document_for(connection, caller, document_id, Capability.MANAGE_LINKS)
            rows = await links_of_document(connection, document_id)
        return [link_view(row, now) for row in rows]

    async def link(self, caller: UUID, document_id: UUID, link_id: UUID) -> ListenLinkView:
        """Return one of them; errors as for :meth:`links`."""
        for link in await self.links(caller, document_id):
            if link.link_id == link_id:
                return link
        raise NotFound("link")
