"""What an owner can do to the pages of a document as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.details import DETAILS, PageText
from libs.common.contracts.documents import DocumentReordered, PageAdded
from libs.common.contracts.identifiers import as_language
from libs.common.contracts.pages import MAX_RANGES, PageRange, count_in, merged, page_runs
from libs.common.contracts.permissions import Capability
from libs.common.errors import Rejected
from services.gateway.documents.checks import checked_text
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import document_for, document_to_change
from services.gateway.kernel.errors import NotReady, Stale
from services.gateway.kernel.pending import PendingObjects, taken
from services.gateway.kernel.record import Kernel


@dataclass(frozen=True)
class ArrangingCommands:
    """The commands."""

    kernel: Kernel

    async def add_page(
        self, caller: UUID, document_id: UUID, markdown: str, position: int | None = None
    ) -> int:
        """Add a page that is read as the one at ``position``, or last; return its number.

        Raises:
            NotFound, Forbidden: The caller may not.
            NotReady: The document is still read, or could not be.
            Rejected: The text is empty or too long; there are too many pages, or runs of them.
        """
        text = checked_text(markdown, self.kernel.limits.max_page_bytes)
        async with self.kernel.database.reading() as connection:
            document = await document_for(connection, caller, document_id, Capability.ADD_PAGE)
            _pages_of(document)
        key = f"documents/{document_id}/pages/added.{uuid4().hex[:12]}.json"
        content = PageText(markdown=text, title=None)
        async with PendingObjects(self.kernel).storing(key):
            stored = await self.kernel.storage.write(key, content.encode(), DETAILS)
            async with self.kernel.transaction() as command:
                document = await document_to_change(
                    command.connection, caller, document_id, Capability.ADD_PAGE
                )
                page = _pages_of(document) + 1
                if page > MAX_PAGES:
                    raise Rejected(
                        "too_many_pages", f"A document may have {MAX_PAGES:,} pages, and has them."
                    )
                added = PageAdded(
                    document_id=document_id,
                    owner_id=document.owner_id,
                    page=page,
                    text=stored,
                    markdown_characters=len(text),
                    language=as_language(document.language),
                    added_by=caller,
                )
                moved = [] if position is None else _placed(document, page, position, caller)
                await command.apply([taken(key), *self.kernel.record(added, *moved)])
        return page

    async def reorder(
        self, caller: UUID, document_id: UUID, order: Sequence[PageRange], revision: int
    ) -> None:
        """Put the pages in another order; ``revision`` is that of the order that the caller saw.

        Raises:
            NotFound, Forbidden: The caller may not.
            NotReady: The document is still read, or could not be.
            Rejected: The order does not name each page once.
            Stale: The order has another revision by now.
        """
        async with self.kernel.transaction() as command:
            document = await document_to_change(
                command.connection, caller, document_id, Capability.ADD_PAGE
            )
            total = _pages_of(document)
            if document.order_revision != revision:
                raise Stale("Somebody else has put the pages in another order; read it again.")
            _check_order(order, total)
            await command.apply(self.kernel.record(_reordered(document, order, caller)))


def _pages_of(document: DocumentRow) -> int:
    """Return how many pages a document has.

    Raises:
        NotReady: That is not known yet, or never will be.
    """
    if document.pages_total is None:
        raise NotReady(
            "The document could not be read, so it has no pages."
            if document.is_rejected
            else "The document is still being read; wait until all of its pages are known."
        )
    return document.pages_total


def _placed(
    document: DocumentRow, page: int, position: int, caller: UUID
) -> Sequence[DocumentReordered]:
    """Return what puts a new page at its position; behind the last one, nothing has to."""
    pages = list(document.reading_order.pages)
    if position > len(pages):
        return []
    pages.insert(position - 1, page)
    return [_reordered(document, page_runs(pages), caller)]


def _check_order(order: Sequence[PageRange], total: int) -> None:
    """Refuse an order that does not name each page once.

    Raises:
        Rejected: It names the first page that is wrong.
    """
    named = 0
    for run in sorted(order, key=lambda run: run.first):
        if run.first <= named:
            raise _bad_order(f"page {run.first} is named twice")
        if run.first > named + 1:
            raise _bad_order(f"page {named + 1} is not named")
        named = run.last
    if named > total:
        raise _bad_order(f"there is no page {total + 1}")
    if count_in(merged(order)) < total:
        raise _bad_order(f"page {named + 1} is not named")


def _bad_order(wrong: str) -> Rejected:
    return Rejected("bad_order", f"An order names each page of the document once: {wrong}.")


def _reordered(
    document: DocumentRow, order: Sequence[PageRange], caller: UUID
) -> DocumentReordered:
    if len(order) > MAX_RANGES:
        raise Rejected(
            "bad_order",
            f"The order has {len(order):,} runs of pages, and may have {MAX_RANGES:,}. Move pages "
            "that stand together as one.",
        )
    return DocumentReordered(
        document_id=document.document_id,
        owner_id=document.owner_id,
        revision=document.order_revision + 1,
        order=tuple(order),
        reordered_by=caller,
    )
