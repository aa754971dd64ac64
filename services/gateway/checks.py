"""What the input of commands must be."""

from unicodedata import category
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import AnyRow
from libs.common.errors import Rejected
from libs.common.events import Source
from libs.common.permissions import Capability
from services.gateway.access import document_for
from services.gateway.problems import NotFound, Stale
from services.gateway.tables import pages

NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: controls, lone surrogates, line and paragraph separators."""


def check_pages(document: AnyRow, wanted_pages: tuple[int, ...] | None) -> None:
    """Refuse pages that the document does not have.

    Raises:
        Rejected: It names the first such page.
    """
    if document.rejected_at is not None:
        raise Rejected("document_rejected", "The document could not be read; there is no audio.")
    if wanted_pages is None or document.page_count is None:
        return
    beyond = [page for page in wanted_pages if not 1 <= page <= document.page_count]
    if beyond:
        raise Rejected(
            "no_such_page",
            f"The document has pages 1 to {document.page_count}; there is no page {beyond[0]}.",
        )


def check_source(source: Source) -> None:
    """Refuse a web address that holds credentials: events are kept for ever, and secrets not.

    Raises:
        Rejected: It does.
    """
    if source.url is not None and "@" in urlsplit(source.url).netloc:
        raise Rejected(
            "bad_url",
            "The web address holds a user name or a password; leave it out, or hand in the file.",
        )


async def page_row(
    connection: AsyncConnection, document_id: UUID, page: int, *, lock: bool = True
) -> AnyRow:
    """Return the row of a page that has a text, locked until the transaction ends.

    Of two edits at once the second one waits here, and then sees what the first one made. Who only
    reads must not lock: in a snapshot, a row that changed since cannot be locked.

    Raises:
        NotFound: There is none.
    """
    wanted = select(pages).where(pages.c.document_id == str(document_id), pages.c.page == page)
    found = await connection.execute(wanted.with_for_update() if lock else wanted)
    row = found.first()
    if row is None or row.extracted is None:
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
) -> AnyRow:
    """Return the row of a page that has this revision, and that the caller may edit.

    Raises:
        NotFound: No such page, for this caller.
        Stale: The page has another revision by now.
    """
    await document_for(connection, caller, document_id, Capability.EDIT_PAGE)
    row = await page_row(connection, document_id, page, lock=lock)
    if (row.edited_revision or 0) != revision:
        raise Stale("Somebody else changed this page; read it again before you edit it.")
    return row


def checked_text(markdown: str, max_bytes: int) -> bytes:
    """Return the text of a page as it is stored.

    Raises:
        Rejected: It is empty, too long or no text.
    """
    text = markdown.replace("\r\n", "\n").strip()
    if not text:
        raise Rejected("empty", "A page needs some text; delete the document to be rid of it.")
    if "\x00" in text or "\uffff" in text:
        raise Rejected("bad_text", "The text holds characters that are not text; remove them.")
    encoded = (text + "\n").encode("utf-8", "replace")
    if len(encoded) > max_bytes:
        raise Rejected("too_large", f"A page may have {max_bytes:,} bytes; split the text.")
    return encoded


def one_line(text: str | None, max_characters: int) -> str | None:
    """Return ``text`` on one line, not too long, without control characters; None for nothing."""
    if text is None:
        return None
    clean = "".join(" " if category(each) in NO_TEXT else each for each in text)
    return " ".join(clean.split())[:max_characters].strip() or None
