"""Finds the documents of an owner: by title, state and origin, in one of several orders.

The order is that of an index, from the cursor on. What is looked for is compared with the titles
themselves, for no index of both databases finds a part of a word in every script; so one answer
looks at :data:`MOST_LOOKED_AT` documents at most, and goes on behind them with the next cursor.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Select, and_, exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.details import SourceKind
from services.gateway.documents.listing.document_titles import folded_title
from services.gateway.documents.selects import EXISTS, IS_EXTRACTED, IS_PARSED, IS_UNREADABLE
from services.gateway.documents.tables import document_listings, documents, pages
from services.gateway.documents.views import DocumentState
from services.gateway.kernel.cursors import sorted_cursor, sorted_position

DocumentOrder = Literal[
    "submitted_at", "-submitted_at", "updated_at", "-updated_at", "title", "-title"
]
"""What documents are sorted by; a minus for the last one first."""

NEWEST_FIRST: DocumentOrder = "-submitted_at"
MOST_LOOKED_AT = 2000
"""Documents that one answer to a search looks at."""

_SORTED_BY: dict[str, Column[str]] = {
    "submitted_at": document_listings.c.submitted_at,
    "updated_at": document_listings.c.updated_at,
    "title": document_listings.c.sort_key,
}
_IS_PARTLY_READ = exists().where(pages.c.document_id == documents.c.document_id, IS_EXTRACTED)
_IN_STATE: dict[DocumentState, ColumnElement[bool]] = {
    "rejected": IS_UNREADABLE,
    "ready": IS_PARSED,
    "reading": ~IS_PARSED & ~IS_UNREADABLE & _IS_PARTLY_READ,
    "submitted": ~IS_PARSED & ~IS_UNREADABLE & ~_IS_PARTLY_READ,
}


@dataclass(frozen=True, kw_only=True)
class DocumentSearch:
    """What is looked for, and in which order; what is None does not matter."""

    title: str | None = None
    state: DocumentState | None = None
    source_kind: SourceKind | None = None
    media_type: str | None = None
    order: DocumentOrder = NEWEST_FIRST

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a document has to be."""
        found: list[ColumnElement[bool]] = []
        if self.title is not None:
            folded = folded_title(self.title)
            found.append(document_listings.c.folded_title.contains(folded, autoescape=True))
        if self.state is not None:
            found.append(_IN_STATE[self.state])
        if self.source_kind is not None:
            found.append(documents.c.source_kind == self.source_kind)
        if self.media_type is not None:
            kind = self.media_type
            with_parameters = documents.c.media_type.startswith(f"{kind};", autoescape=True)
            found.append(or_(documents.c.media_type == kind, with_parameters))
        return found


@dataclass(frozen=True)
class Found:
    """Documents in their order, and the cursor of what follows; None at the end."""

    ids: list[UUID]
    following: str | None


async def search_documents(
    connection: AsyncConnection, owner: UUID, search: DocumentSearch, limit: int, after: str | None
) -> Found:
    """Return documents of an owner, at most ``limit``, from behind the cursor ``after``.

    There may be fewer than ``limit``, or none, though more follow: then many were looked at.

    Raises:
        Rejected: The cursor is none of ours, or of another order.
    """
    column, conditions = _SORTED_BY[search.order.removeprefix("-")], search.conditions()
    looked_at = MOST_LOOKED_AT if conditions else limit + 1
    passed = _passed(owner, search.order, column, after).limit(looked_at).subquery()
    listed = document_listings.join(
        passed, passed.c.document_id == document_listings.c.document_id
    ).join(documents, documents.c.document_id == document_listings.c.document_id)
    wanted = (
        _ordered(select(column, document_listings.c.document_id), search.order, column)
        .select_from(listed)
        .where(and_(EXISTS, *conditions))
        .limit(limit + 1)
    )
    rows = (await connection.execute(wanted)).all()
    ids = [UUID(document) for _, document in rows[:limit]]
    if len(rows) > limit:
        value, document = rows[limit - 1]
        return Found(ids, sorted_cursor(search.order, value, UUID(document)))
    if not conditions:
        return Found(ids, None)
    last = _passed(owner, search.order, column, after).offset(looked_at - 1).limit(1)
    row = (await connection.execute(last)).first()
    return Found(ids, row and sorted_cursor(search.order, row[0], UUID(row[1])))


def _passed(
    owner: UUID, order: DocumentOrder, column: Column[str], after: str | None
) -> Select[Any]:
    """The documents behind the cursor: their places, in their order."""
    place = (column, document_listings.c.document_id)
    wanted = select(*place).where(document_listings.c.owner_id == str(owner))
    if after is not None:
        known = sorted_position(after, order)
        behind = tuple_(*place) < known if order.startswith("-") else tuple_(*place) > known
        wanted = wanted.where(behind)
    return _ordered(wanted, order, column)


def _ordered(wanted: Select[Any], order: DocumentOrder, column: Column[str]) -> Select[Any]:
    place = (column, document_listings.c.document_id)
    if order.startswith("-"):
        return wanted.order_by(*(one.desc() for one in place))
    return wanted.order_by(*place)
