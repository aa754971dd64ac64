"""Which pages narrations wait for: a function of the read models, kept as a table.

A page waits for a narration that is interested in it as long as it may still be spoken for it and
is not: it is not cut yet, or no audio that serves the narration is there or being made, and none
was asked for since the narration was. Whoever changes a row that this depends on has the page
looked at again (:func:`look_again`); all of it can be worked out anew (:func:`derive_all`).
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among
from libs.common.database.upsert import insert_or_ignore
from services.gateway.audio.rows import format_bits
from services.gateway.audio.tables import audios
from services.gateway.documents.selects import EXISTS, IS_CUT, IS_EXTRACTED, REVISION
from services.gateway.documents.tables import documents, pages
from services.gateway.narrations.rows import NarrationRow
from services.gateway.narrations.selects import interested_narrations, interesting_documents
from services.gateway.narrations.tables import page_requests

PAGES_PER_QUERY = 500

_FORGET = delete(page_requests).where(
    page_requests.c.narration_id == bindparam("narration"),
    page_requests.c.page == bindparam("gone"),
)


async def look_again(
    connection: AsyncConnection,
    document_id: UUID,
    which: Collection[int] | None = None,
    narration_id: UUID | None = None,
) -> None:
    """Work out again whether pages of a document wait, all of them or ``which``.

    For every narration, or for one. The caller holds the lock of the owner.
    """
    for narration in await interested_narrations(connection, document_id, narration_id):
        for some in _slices(which):
            await _derive_requests_for(connection, narration, some)


async def derive_all(connection: AsyncConnection) -> None:
    """Work out the whole table anew."""
    await connection.execute(delete(page_requests))
    for document_id in await interesting_documents(connection):
        await look_again(connection, document_id)


async def _derive_requests_for(
    connection: AsyncConnection, narration: NarrationRow, which: Sequence[int] | None
) -> None:
    could_be = await connection.scalars(_waiting(narration, which))
    waiting = {page for page in could_be if narration.is_interested_in(page)}
    known = set(await connection.scalars(_known(narration, which)))
    if gone := sorted(known - waiting):
        mine = str(narration.narration_id)
        await connection.execute(_FORGET, [{"narration": mine, "gone": page} for page in gone])
    if new := sorted(waiting - known):
        await connection.execute(
            insert_or_ignore(page_requests), [_row(narration, page) for page in new]
        )


def _row(narration: NarrationRow, page: int) -> dict[str, object]:
    return {
        "narration_id": str(narration.narration_id),
        "page": page,
        "document_id": str(narration.document_id),
        "owner_id": str(narration.owner_id),
        "requested_at": narration.requested_at,
    }


def _known(narration: NarrationRow, which: Sequence[int] | None) -> Select[int]:
    mine = page_requests.c.narration_id == str(narration.narration_id)
    statement = select(page_requests.c.page).where(mine)
    return statement if which is None else statement.where(among(page_requests.c.page, which))


def _waiting(narration: NarrationRow, which: Sequence[int] | None) -> Select[int]:
    """Pages of the document that could be spoken for a narration and are not."""
    alive = exists().where(documents.c.document_id == str(narration.document_id), EXISTS)
    to_be_cut = ~IS_CUT | pages.c.segments_revision.is_(None)
    to_be_spoken = (pages.c.utterances > 0) & ~_served(narration)
    statement = select(pages.c.page).where(
        pages.c.document_id == str(narration.document_id),
        IS_EXTRACTED,
        ~_cannot_be_cut(),
        or_(to_be_cut, to_be_spoken),
        alive,
    )
    return statement if which is None else statement.where(among(pages.c.page, which))


def _served(narration: NarrationRow) -> ColumnElement[bool]:
    """An audio of the text as it is now serves the narration, or one was asked for since it was."""
    bits = format_bits(narration.formats)
    alive = audios.c.failed_at.is_(None) & audios.c.given_up_at.is_(None)
    there = (alive | audios.c.ready_at.is_not(None)) & audios.c.deleted_at.is_(None)
    serves = there & (audios.c.revision == REVISION)
    return exists().where(
        audios.c.document_id == pages.c.document_id,
        audios.c.page == pages.c.page,
        audios.c.requested_at.is_not(None),
        audios.c.engine == narration.engine,
        audios.c.voice == narration.voice,
        audios.c.rate == narration.rate,
        audios.c.format_bits.op("&")(bits) == bits,
        serves | (audios.c.requested_at >= narration.requested_at),
    )


def _cannot_be_cut() -> ColumnElement[bool]:
    """Of an older text, perhaps: whoever waits for an edited page goes on waiting."""
    newer = pages.c.edited_revision.is_not(None) | pages.c.segments_revision.is_not(None)
    return pages.c.failed_code.is_not(None) & ~newer


def _slices(which: Collection[int] | None) -> Sequence[Sequence[int] | None]:
    if which is None:
        return [None]
    ordered = sorted(set(which))
    return [ordered[n : n + PAGES_PER_QUERY] for n in range(0, len(ordered), PAGES_PER_QUERY)]
