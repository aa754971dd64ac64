"""What people can read of the shares of a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Integer, bindparam, select, tuple_

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import Capability
from libs.common.contracts.sharing import ShareGranted
from libs.common.database.engine import Database
from libs.common.store.event_store import version_of
from services.gateway.accounts.users import primary_addresses
from services.gateway.documents.queries import PLACE, pages_ready
from services.gateway.documents.selects import DOCUMENTS, EXISTS, document_for
from services.gateway.documents.shares.views import SharedDocumentView, ShareView, share_view
from services.gateway.documents.tables import documents
from services.gateway.documents.views import document_view
from services.gateway.kernel.cursors import Slice, cursor, position
from services.gateway.kernel.errors import NotFound
from services.gateway.sharing.selects import HAS_RECIPIENT, IS_ACTIVE, best_shares, open_shares
from services.gateway.sharing.tables import shares

_SHARED = (
    DOCUMENTS.select()
    .where(
        documents.c.document_id.in_(select(shares.c.document_id).where(HAS_RECIPIENT, IS_ACTIVE)),
        EXISTS,
    )
    .order_by(*(column.desc() for column in PLACE))
    .limit(bindparam("limit", type_=Integer()))
)


@dataclass(frozen=True)
class ShareQueries:
    """The queries. ``caller`` is who asks."""

    database: Database

    async def shares(self, caller: UUID, document_id: UUID) -> Sequence[ShareView]:
        """Return the shares of a document that nobody has ended, the oldest first.

        Raises:
            NotFound, Forbidden: The caller may not see them.
        """
        now = rfc3339(datetime.now(UTC))
        async with self.database.reading() as connection:
            await document_for(connection, caller, document_id, Capability.LIST_SHARES)
            rows = await open_shares(connection, document_id)
        return [share_view(row, caller, now) for row in rows]

    async def share(self, caller: UUID, document_id: UUID, share_id: UUID) -> tuple[ShareView, int]:
        """Return one of them, and the version of all of them; errors as for :meth:`shares`."""
        now = rfc3339(datetime.now(UTC))
        async with self.database.reading() as connection:
            await document_for(connection, caller, document_id, Capability.LIST_SHARES)
            version = await version_of(connection, ShareGranted.stream_of(document_id=document_id))
            for row in await open_shares(connection, document_id):
                if row.share_id == share_id:
                    return share_view(row, caller, now), version
        raise NotFound("share")

    async def shared(
        self, caller: UUID, limit: int, after: str | None
    ) -> Slice[SharedDocumentView]:
        """Return documents that others share with the caller, those submitted last first.

        Raises:
            Rejected: The cursor ``after`` is none of ours.
        """
        wanted = _SHARED
        if after is not None:
            wanted = wanted.where(tuple_(*PLACE) < position(after))
        now = rfc3339(datetime.now(UTC))
        asked = {"user": str(caller), "now": now, "limit": limit + 1}
        async with self.database.reading() as connection:
            rows = await DOCUMENTS.all(connection, wanted, asked)
            chosen = [row.document_id for row in rows[:limit]]
            ready = await pages_ready(connection, chosen)
            granted = await best_shares(connection, chosen, caller)
            sharers = {share.granted_by for share in granted.values()}
            addresses = await primary_addresses(connection, sharers)
        views = tuple(
            SharedDocumentView(
                **dict(document_view(row, ready.get(row.document_id, 0))),
                level=granted[row.document_id].level,
                shared_by=addresses.get(granted[row.document_id].granted_by),
            )
            for row in rows[:limit]
            if row.document_id in granted
        )
        last = rows[limit - 1] if len(rows) > limit else None
        return Slice(views, cursor(last.submitted_at, last.document_id) if last else None)
