"""Typed rows of shares, read from their tables."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import bindparam, case, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import ShareLevel
from libs.common.database.arrays import among_given
from services.gateway.kernel.rows import RowReader
from services.gateway.sharing.rows import ShareRow, best, best_share
from services.gateway.sharing.tables import share_recipients, shares

SHARES = RowReader(
    ShareRow,
    shares,
    share_recipients,
    joined=shares.outerjoin(share_recipients, share_recipients.c.share_id == shares.c.share_id),
)

HAS_RECIPIENT = or_(
    shares.c.granted_to == bindparam("user"), shares.c.claimed_by == bindparam("user")
)
_OPEN = SHARES.select().where(shares.c.granted_at.is_not(None), shares.c.ended_at.is_(None))
_OF_DOCUMENT = _OPEN.where(shares.c.document_id == bindparam("document")).order_by(
    shares.c.granted_at, shares.c.share_id
)
_OF_USER = _OF_DOCUMENT.where(HAS_RECIPIENT)


_ENDS_AT = case(
    (shares.c.changed_at.is_(None), shares.c.granted_expires_at),
    else_=shares.c.changed_expires_at,
)
IS_ACTIVE = shares.c.ended_at.is_(None) & or_(_ENDS_AT.is_(None), bindparam("now") < _ENDS_AT)
"""The share grants something; see :meth:`ShareRow.is_active`."""

_EVER = SHARES.select().where(
    shares.c.granted_at.is_not(None), among_given(shares.c.document_id, "chosen")
)
_EXPIRED = select(shares.c.document_id).where(
    or_(among_given(shares.c.granted_to, "users"), among_given(shares.c.claimed_by, "users")),
    shares.c.ended_at.is_(None),
    bindparam("since") < _ENDS_AT,
    bindparam("until") >= _ENDS_AT,
)
_OF_DOCUMENTS = _OPEN.where(HAS_RECIPIENT, among_given(shares.c.document_id, "chosen"))


async def best_shares(
    connection: AsyncConnection, documents: Sequence[UUID], user_id: UUID
) -> Mapping[UUID, ShareRow]:
    """Return the share that grants a user most now on some documents, where any does."""
    asked = {"chosen": [str(document) for document in documents], "user": str(user_id)}
    rows = await SHARES.all(connection, _OF_DOCUMENTS, asked)
    now = rfc3339(datetime.now(UTC))
    found = {
        document: best_share([row for row in rows if row.document_id == document], now)
        for document in documents
    }
    return {document: share for document, share in found.items() if share is not None}


async def shares_of(connection: AsyncConnection, documents: Sequence[UUID]) -> list[ShareRow]:
    """Return all shares that documents ever had."""
    return await SHARES.all(connection, _EVER, {"chosen": [str(one) for one in documents]})


async def documents_expired(
    connection: AsyncConnection, users: Collection[UUID], since: datetime, until: datetime
) -> set[UUID]:
    """Return the documents of which a share with any of ``users`` ended by itself in a time."""
    asked = {
        "users": [str(user) for user in users],
        "since": rfc3339(since),
        "until": rfc3339(until),
    }
    return {UUID(document) for document in await connection.scalars(_EXPIRED, asked)}


async def open_shares(connection: AsyncConnection, document_id: UUID) -> list[ShareRow]:
    """Return the shares of a document that nobody has ended, the oldest first."""
    return await SHARES.all(connection, _OF_DOCUMENT, {"document": str(document_id)})


async def level_of(
    connection: AsyncConnection, document_id: UUID, user_id: UUID
) -> ShareLevel | None:
    """Return what a document's shares grant a user now; None if they grant nothing."""
    asked = {"document": str(document_id), "user": str(user_id)}
    return best(await SHARES.all(connection, _OF_USER, asked), rfc3339(datetime.now(UTC)))
