"""What people can read of documents and pages; what one may not see is not found."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.details import Chapter
from libs.common.contracts.permissions import Capability
from libs.common.database.arrays import among_given
from libs.common.database.engine import Database
from services.gateway.documents.listing.search import DocumentSearch, search_documents
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import (
    DOCUMENTS,
    IS_EXTRACTED,
    PAGE_TEXTS,
    document_for,
    page_text,
)
from services.gateway.documents.tables import documents, pages
from services.gateway.documents.views import (
    DocumentView,
    PageOrderView,
    PageView,
    document_view,
    page_order_view,
    page_view,
)
from services.gateway.kernel.cursors import Slice

_EXTRACTED = (
    select(func.count())
    .select_from(pages)
    .where(pages.c.document_id == documents.c.document_id, IS_EXTRACTED)
    .scalar_subquery()
)
_COUNTED = select(documents.c.document_id, _EXTRACTED).where(
    among_given(documents.c.document_id, "chosen")
)
COUNTED_FOR = timedelta(seconds=5)
"""What is not parsed after this long waits in a queue that is fair, and holds up nobody else."""

_UNPARSED = (
    select(documents.c.document_id)
    .where(
        documents.c.owner_id == bindparam("owner"),
        documents.c.submitted_at > bindparam("since"),
        documents.c.parsed_at.is_(None),
        documents.c.rejected_at.is_(None),
        documents.c.given_up_at.is_(None),
        documents.c.deleted_at.is_(None),
    )
    .limit(bindparam("limit", type_=Integer()))
)
PLACE = (documents.c.submitted_at, documents.c.document_id)
_CHOSEN = DOCUMENTS.select().where(among_given(documents.c.document_id, "chosen"))
EVERY_DOCUMENT = DocumentSearch()
_PAGES = (
    PAGE_TEXTS.select()
    .where(
        pages.c.document_id == bindparam("document"),
        IS_EXTRACTED,
        pages.c.page > bindparam("after"),
    )
    .order_by(pages.c.page)
    .limit(bindparam("limit", type_=Integer()))
)
_NUMBERED = PAGE_TEXTS.select().where(
    pages.c.document_id == bindparam("document"), IS_EXTRACTED, among_given(pages.c.page, "numbers")
)


@dataclass(frozen=True)
class DocumentQueries:
    """The queries. ``caller`` is who asks; every answer is what the caller may see."""

    database: Database

    async def documents(
        self,
        caller: UUID,
        limit: int,
        after: str | None,
        search: DocumentSearch = EVERY_DOCUMENT,
    ) -> Slice[DocumentView]:
        """Return the caller's documents, in an order, from behind the cursor ``after``.

        Raises:
            Rejected: The cursor is none of ours, or of another order.
        """
        async with self.database.reading() as connection:
            found = await search_documents(connection, caller, search, limit, after)
            chosen = {"chosen": [str(document_id) for document_id in found.ids]}
            rows = await DOCUMENTS.all(connection, _CHOSEN, chosen)
            ready = await pages_ready(connection, found.ids)
        by_id = {row.document_id: row for row in rows}
        views = (document_view(by_id[one], ready.get(one, 0)) for one in found.ids if one in by_id)
        return Slice(tuple(views), found.following)

    async def document(self, caller: UUID, document_id: UUID) -> DocumentView:
        """Return a document.

        Raises:
            NotFound: There is none that the caller may see; so do all queries below.
        """
        async with self.database.reading() as connection:
            return await read_document(connection, caller, document_id)

    async def chapters(self, caller: UUID, document_id: UUID) -> tuple[Chapter, ...]:
        """Return a document's table of contents."""
        return (await self._row(caller, document_id)).chapters

    async def warnings(self, caller: UUID, document_id: UUID) -> tuple[str, ...]:
        """Return sentences about parts of a document that could not be read."""
        return (await self._row(caller, document_id)).warnings

    async def _row(self, caller: UUID, document_id: UUID) -> DocumentRow:
        async with self.database.reading() as connection:
            return await document_for(connection, caller, document_id, Capability.SEE_DOCUMENT)

    async def unparsed(self, owner: UUID, most: int) -> int:
        """Count the owner's newest documents that are not parsed yet, up to ``most``."""
        since = rfc3339(datetime.now(UTC) - COUNTED_FOR)
        rows = await self.database.fetch(
            _UNPARSED, {"owner": str(owner), "since": since, "limit": most}
        )
        return len(rows)

    async def was_deleted(self, document_id: UUID) -> bool:
        """Return whether there was such a document, whosever it was; its id is not to be reused."""
        this = documents.c.document_id == str(document_id)
        deleted = select(documents.c.document_id).where(this, documents.c.deleted_at.is_not(None))
        return bool(await self.database.fetch(deleted))

    async def pages(
        self, caller: UUID, document_id: UUID, limit: int, after: int = 0
    ) -> Slice[PageView]:
        """Return the pages behind position ``after`` that were read so far, in reading order."""
        asked: dict[str, Any] = {"document": str(document_id)}
        async with self.database.reading() as connection:
            document = await document_for(connection, caller, document_id, Capability.SEE_DOCUMENT)
            if document.page_order is None:
                asked |= {"after": after, "limit": limit + 1}
                rows = await PAGE_TEXTS.all(connection, _PAGES, asked)
            else:
                asked["numbers"] = document.reading_order.pages[after : after + limit + 1]
                rows = await PAGE_TEXTS.all(connection, _NUMBERED, asked)
        views = sorted((page_view(row, document) for row in rows), key=lambda page: page.position)[
            :limit
        ]
        return Slice(tuple(views), str(views[-1].position) if len(rows) > limit else None)

    async def page_order(self, caller: UUID, document_id: UUID) -> PageOrderView:
        """Return how the pages of a document are read."""
        return page_order_view(await self._row(caller, document_id))

    async def page(self, caller: UUID, document_id: UUID, page: int) -> PageView:
        """Return a page."""
        async with self.database.reading() as connection:
            return await read_page(connection, caller, document_id, page)


async def read_document(
    connection: AsyncConnection,
    caller: UUID,
    document_id: UUID,
    *,
    capability: Capability = Capability.SEE_DOCUMENT,
    what: str = "document",
) -> DocumentView:
    """Return a document as ``caller`` sees it.

    Raises:
        NotFound: There is none that the caller may see; it is called ``what``.
    """
    row = await document_for(connection, caller, document_id, capability, what)
    ready = await pages_ready(connection, [document_id])
    return document_view(row, ready.get(document_id, 0))


async def read_page(
    connection: AsyncConnection, caller: UUID, document_id: UUID, page: int
) -> PageView:
    """Return a page as ``caller`` sees it.

    Raises:
        NotFound: There is none that the caller may see.
    """
    document = await document_for(connection, caller, document_id, Capability.SEE_DOCUMENT, "page")
    return page_view(await page_text(connection, document_id, page), document)


async def pages_ready(connection: AsyncConnection, ids: list[UUID]) -> dict[UUID, int]:
    """Count the pages of documents that can be read.

    One document after the other: grouped, PostgreSQL goes through everybody's pages instead.
    """
    counted = await connection.execute(_COUNTED, {"chosen": [str(document) for document in ids]})
    return {UUID(document): count for document, count in counted}
