"""Who sees a document, and who did until a moment ago."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.arrays import among_given
from services.gateway.documents.tables import documents
from services.gateway.sharing.rows import ShareRow
from services.gateway.sharing.selects import shares_of

_DOCUMENTS = select(documents.c.document_id, documents.c.owner_id, documents.c.deleted_at).where(
    among_given(documents.c.document_id, "chosen"), documents.c.owner_id.is_not(None)
)


@dataclass(frozen=True)
class Audience:
    """Those who see a document, and those who did: until when, RFC 3339 in UTC."""

    seen_by: frozenset[UUID] = frozenset()
    lost_by: Mapping[UUID, str] = field(default_factory=dict)


async def audiences_of(
    connection: AsyncConnection, chosen: Sequence[UUID], at: datetime
) -> Mapping[UUID, Audience]:
    """Return who sees documents at a moment, for those of ``chosen`` that were handed in."""
    given = {"chosen": [str(document_id) for document_id in chosen]}
    found = (await connection.execute(_DOCUMENTS, given)).all()
    by_document: dict[UUID, list[ShareRow]] = {UUID(row.document_id): [] for row in found}
    for share in await shares_of(connection, list(by_document)):
        by_document[share.document_id].append(share)
    return {
        document_id: audience(UUID(row.owner_id), row.deleted_at, shares, rfc3339(at))
        for row, (document_id, shares) in zip(found, by_document.items(), strict=True)
    }


def audience(owner: UUID, deleted_at: str | None, shares: Sequence[ShareRow], now: str) -> Audience:
    """Return who sees a document of ``owner`` that has ``shares``; moments are RFC 3339 in UTC."""
    seen_by = {owner}
    lost_by: dict[UUID, str] = {} if deleted_at is None else {owner: deleted_at}
    for share in shares:
        holders = {one for one in (share.granted_to, share.claimed_by) if one is not None}
        if share.is_active(now):
            seen_by |= holders
        expired_at = share.expires_at if (share.expires_at or now) <= now else None
        ends = [end for end in (share.ended_at, expired_at, deleted_at) if end is not None]
        for holder in holders if ends else ():
            lost_by[holder] = max(min(ends), lost_by.get(holder, ""))
    if deleted_at is not None:
        return Audience(frozenset(), lost_by)
    still = frozenset(seen_by)
    return Audience(still, {one: until for one, until in lost_by.items() if one not in still})
