"""What people can read of documents and pages; what one may not see is not found."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.details import Chapter
from libs.common.contracts.permissions import Capability
from libs.common.database.arrays import among_given
from libs.common.database.engine import Database
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import (
    DOCUMENTS,
    EXISTS,
    IS_EXTRACTED,
    PAGE_TEXTS,
    document_for,
    page_text,
)
from services.gateway.documents.tables import documents, pages
from services.gateway.documents.views import DocumentView, PageView, document_view, page_view
from services.gateway.kernel.cursors import Slice, cursor, position

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
_NEWEST = (
    DOCUMENTS.select()
    .where(documents.c.owner_id == bindparam("owner"), EXISTS)
    .order_by(*(column.desc() for column in PLACE))
    .limit(bindparam("limit", type_=Integer()))
)
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


@dataclass(frozen=True)
class DocumentQueries:
    """The queries. ``caller`` is who asks; every answer is what the caller may see."""

    database: Database

    async def documents(self, caller: UUID, limit: int, after: str | None) -> Slice[DocumentView]:
        """Return the caller's documents, newest first, from behind the cursor ``after``.

        Raises:
            Rejected: The cursor is none of ours.
        """
        wanted, asked = _NEWEST, {"owner": str(caller), "limit": limit + 1}
        if after is not None:
            wanted = wanted.where(tuple_(*PLACE) < position(after))
        async with self.database.reading() as connection:
            rows = await DOCUMENTS.all(connection, wanted, asked)
            ready = await pages_ready(connection, [row.document_id for row in rows[:limit]])
        views = tuple(document_view(row, ready.get(row.document_id, 0)) for row in rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return Slice(views, cursor(last.submitted_at, last.document_id) if last else None)

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
        """Return the pages behind page ``after`` that were read so far, in order."""
        asked = {"document": str(document_id), "after": after, "limit": limit + 1}
        async with self.database.reading() as connection:
            document = await document_for(connection, caller, document_id, Capability.SEE_DOCUMENT)
            rows = await PAGE_TEXTS.all(connection, _PAGES, asked)
        views = tuple(page_view(row, document) for row in rows[:limit])
        return Slice(views, str(views[-1].page) if len(rows) > limit else None)


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
