"""Typed rows of documents and pages, read from their tables; and the rules that SQL must know."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Table, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.permissions import Capability, Role, ShareLevel, role_of, sees
from libs.common.database.arrays import among, among_given
from libs.common.database.engine import Database
from libs.common.database.transaction_memory import remembered
from services.gateway.documents.rows import DocumentRow, PageRow, PageTextRow
from services.gateway.documents.tables import document_details, documents, pages
from services.gateway.kernel.access import check_access
from services.gateway.kernel.errors import NotFound, Stale
from services.gateway.kernel.rows import RowReader
from services.gateway.sharing.listen_links.selects import is_link_of
from services.gateway.sharing.selects import level_of

_submitted, _renamed, _parsed, _rejected, _given_up = (
    document_details.alias(name)
    for name in ("submitted", "renamed", "parsed", "rejected", "given_up")
)


def names(table: Table, key: ColumnElement[str], details: FromClause) -> ColumnElement[bool]:
    """Return whether ``key`` of a row of ``table`` names details of the same document."""
    return (details.c.key == key) & (details.c.document_id == table.c.document_id)


DOCUMENTS = RowReader(
    DocumentRow,
    documents,
    joined=documents.outerjoin(_submitted, names(documents, documents.c.submitted_key, _submitted))
    .outerjoin(_renamed, names(documents, documents.c.renamed_key, _renamed))
    .outerjoin(_parsed, names(documents, documents.c.parsed_key, _parsed))
    .outerjoin(_rejected, names(documents, documents.c.rejected_key, _rejected))
    .outerjoin(_given_up, names(documents, documents.c.given_up_key, _given_up)),
    submitted=_submitted.c.body,
    renamed=_renamed.c.body,
    parsed=_parsed.c.body,
    rejected_reason=_rejected.c.reason,
    given_up_reason=_given_up.c.reason,
)
_failed = document_details.alias("failed")
_with_reasons = pages.outerjoin(_failed, names(pages, pages.c.failed_key, _failed))
PAGES = RowReader(PageRow, pages, joined=_with_reasons, failed_reason=_failed.c.reason)
PAGE_TEXTS = RowReader(PageTextRow, pages, joined=_with_reasons, failed_reason=_failed.c.reason)

EXISTS = documents.c.owner_id.is_not(None) & documents.c.deleted_at.is_(None)
"""The document was submitted, as far as is known here, and not deleted."""

IS_PARSED = documents.c.parsed_at.is_not(None)
IS_UNREADABLE = ~IS_PARSED & (
    (
        documents.c.rejected_at.is_not(None)
        & (
            func.coalesce(documents.c.rejected_attempt, 1)
            >= func.coalesce(documents.c.retried_attempt, 1)
        )
    )
    | (
        documents.c.given_up_at.is_not(None)
        & (documents.c.retried_at.is_(None) | (documents.c.given_up_at > documents.c.retried_at))
    )
)
"""See :attr:`DocumentRow.is_rejected` and :attr:`DocumentRow.is_given_up`."""

NOWHERE = UUID(int=0)
_EXISTING = DOCUMENTS.select().where(documents.c.document_id == bindparam("document"), EXISTS)
_OWNERS = select(documents.c.document_id, documents.c.owner_id).where(
    among_given(documents.c.document_id, "chosen"), documents.c.owner_id.is_not(None)
)
_HAS_PAGES = select(exists().where(pages.c.document_id == bindparam("document")))

IS_EXTRACTED = pages.c.extracted_characters.is_not(None)
REVISION = func.coalesce(pages.c.edited_revision, 0)
"""The revision of a page's text as it is now; see :attr:`PageRow.revision`."""

IS_CUT = pages.c.segments_revision == REVISION
"""The page's utterances are those of its text as it is now; see :attr:`PageRow.is_cut`."""


async def role_on(connection: AsyncConnection, document: DocumentRow, caller: UUID) -> Role:
    """Return what ``caller``, a user or a link, is to ``document`` now."""
    level, by_link = None, False
    if caller != document.owner_id:
        level, by_link = await _given(connection, document.document_id, caller)
    return role_of(caller, document.owner_id, level, is_staff=False, by_link=by_link)


async def _given(
    connection: AsyncConnection, document_id: UUID, caller: UUID
) -> tuple[ShareLevel | None, bool]:
    level = await level_of(connection, document_id, caller)
    return level, level is None and await is_link_of(connection, caller, document_id)


async def look_in_vain(connection: AsyncConnection) -> None:
    """Ask the database what it is asked about somebody else's document, and learn nothing.

    What is not there is denied after as much work as what one may not see, so that the time of an
    answer tells no more than its words.
    """
    await existing_document(connection, NOWHERE)
    await _given(connection, NOWHERE, NOWHERE)


async def existing_document(connection: AsyncConnection, document_id: UUID) -> DocumentRow | None:
    """Return a document, whoever asks; None if there is none."""
    return await DOCUMENTS.one(connection, _EXISTING, {"document": str(document_id)})


async def document_for(
    connection: AsyncConnection,
    caller: UUID,
    document_id: UUID,
    capability: Capability,
    what: str = "document",
) -> DocumentRow:
    """Return the document if ``caller`` has ``capability`` on it.

    Raises:
        NotFound: There is none, or the caller may not see it; it is called ``what``.
        Forbidden: The caller may see it, but not that.
    """
    document = await existing_document(connection, document_id)
    if document is None:
        await _given(connection, document_id, caller)
        raise NotFound(what)
    check_access(await role_on(connection, document, caller), capability, what)
    return document


async def document_to_change(
    connection: AsyncConnection, caller: UUID, document_id: UUID, capability: Capability
) -> DocumentRow:
    """Return a document as :func:`document_for` does, locked until the transaction ends.

    Of two changes at once the second one waits here, and then sees what the first one made.
    """
    this = documents.c.document_id == str(document_id)
    await connection.execute(select(documents.c.document_id).where(this).with_for_update())
    # Read apart: what is joined to a row that was waited for is as it was before.
    return await document_for(connection, caller, document_id, capability)


async def may_see(database: Database, caller: UUID, document_id: UUID) -> bool:
    """Return whether the document is there and ``caller`` may see it.

    Raises:
        Unavailable: The database cannot be reached.
    """
    async with database.reading() as connection:
        document = await existing_document(connection, document_id)
        if document is None:
            await _given(connection, document_id, caller)
            return False
        return sees(await role_on(connection, document, caller))


async def pages_of(
    connection: AsyncConnection, document_id: UUID, numbers: Collection[int] | None = None
) -> list[PageRow]:
    """Return the pages of a document that anything is known of, all or some of them, in order."""
    wanted = PAGES.select().where(pages.c.document_id == str(document_id)).order_by(pages.c.page)
    if numbers is not None:
        wanted = wanted.where(among(pages.c.page, numbers))
    return await PAGES.all(connection, wanted)


async def page_text(
    connection: AsyncConnection, document_id: UUID, page: int, *, lock: bool = False
) -> PageTextRow:
    """Return a page that has a text; locked until the transaction ends, if asked.

    Who only reads must not lock: in a snapshot, a row that changed since cannot be locked.

    Raises:
        NotFound: There is none.
    """
    wanted = PAGE_TEXTS.select().where(
        pages.c.document_id == str(document_id), pages.c.page == page, IS_EXTRACTED
    )
    row = await PAGE_TEXTS.one(connection, wanted.with_for_update(of=pages) if lock else wanted)
    if row is None:
        raise NotFound("page")
    return row


async def page_to_edit(
    connection: AsyncConnection,
    caller: UUID,
    document_id: UUID,
    page: int,
    revision: int,
    *,
    lock: bool = True,
) -> tuple[DocumentRow, PageTextRow]:
    """Return a page that has this revision, and that the caller may edit, with its document.

    Of two edits at once the second one waits here for the lock, and then sees what the first one
    made.

    Raises:
        NotFound: No such page, for this caller.
        Stale: The page has another revision by now.
    """
    document = await document_for(connection, caller, document_id, Capability.EDIT_PAGE)
    row = await page_text(connection, document_id, page, lock=lock)
    if row.revision != revision:
        raise Stale("Somebody else changed this page; read it again before you edit it.")
    return document, row


async def has_pages(connection: AsyncConnection, document_id: UUID) -> bool:
    """Return whether anything is known of any page of a document."""
    return bool(await connection.scalar(_HAS_PAGES, {"document": str(document_id)}))


async def owners_of(connection: AsyncConnection, ids: Collection[UUID]) -> list[UUID]:
    """Return the owners of documents, in one order; nobody owns what was not submitted yet.

    A document never changes hands, so a transaction asks once for each.
    """
    known = remembered(connection, "owners of documents")
    chosen = {str(document_id) for document_id in ids}
    if unknown := chosen - known.keys():
        found = await connection.execute(_OWNERS, {"chosen": sorted(unknown)})
        known.update((document, owner) for document, owner in found)
    return [UUID(owner) for owner in sorted({known[one] for one in chosen if one in known})]
