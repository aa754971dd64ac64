"""Which pages narrations wait for: a function of the read models, kept as a table.

A page waits for a narration that is interested in it as long as it may still be spoken for it and
is not: it is not cut yet, or no audio that serves the narration is there or being made, and none
was asked for since the narration was. Whoever changes a row that this depends on has the page
looked at again (:func:`look_again`); all of it can be worked out anew (:func:`derive_all`). What
was refused is SPEAKABLE then: dispatching refuses it again if its page still has too many sounds.
What its characters cost is a function of the read models as well.

The database does it for all narrations of a document in two statements, however many pages they
have: an order for thousands of pages holds the owner's lock for milliseconds.
"""

from collections.abc import Collection
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Delete,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among_given
from libs.common.database.sqlite.short_statements import FEW_ROWS, MOST_ROWS
from services.gateway.audio.tables import audios
from services.gateway.documents.selects import EXISTS, IS_EXTRACTED, REVISION
from services.gateway.documents.tables import documents, pages
from services.gateway.narrations.outcomes.page_outcomes import (
    HAS_NOT_FAILED,
    IS_NOT_CUT,
    SOUNDS_AS_ASKED,
    WAS_THERE,
    every_format,
)
from services.gateway.narrations.selects import IS_INTERESTED, interesting_documents
from services.gateway.narrations.tables import (
    REFUSED,
    SPEAKABLE,
    UNCUT,
    narration_ranges,
    narrations,
    page_requests,
)


async def look_again(
    connection: AsyncConnection,
    document_id: UUID,
    which: Collection[int] | None = None,
    narration_id: UUID | None = None,
    *,
    refused_stay: bool = False,
) -> None:
    """Work out again whether pages of a document wait, all of them or ``which``.

    For every narration, or for one. What was refused may go again, unless ``refused_stay`` or one
    narration is looked at: something about its page has changed. The caller holds the lock of the
    owner.
    """
    asked: dict[str, Any] = {"of_document": str(document_id)}
    if which is not None:
        asked["of_pages"] = list(which)
    if narration_id is not None:
        asked["of_narration"] = str(narration_id)
    statements = _replacing(
        some_pages=which is not None,
        few_pages=which is not None and len(which) <= MOST_ROWS,
        one_narration=narration_id is not None,
        refused_stay=refused_stay or narration_id is not None,
    )
    for statement in statements:
        await connection.execute(statement, asked)


async def derive_all(connection: AsyncConnection) -> None:
    """Work out the whole table anew."""
    await connection.execute(delete(page_requests))
    for document_id in await interesting_documents(connection):
        await look_again(connection, document_id)


@cache
def _replacing(
    *, some_pages: bool, few_pages: bool, one_narration: bool, refused_stay: bool
) -> tuple[Delete, Insert]:
    """Return what has the rows that are known be those that wait; most stay as they are.

    Built once: building them takes longer than running them.
    """
    known = [page_requests.c.document_id == bindparam("of_document")]
    waiting = _waiting()
    if some_pages:
        known.append(among_given(page_requests.c.page, "of_pages"))
        waiting = waiting.where(among_given(pages.c.page, "of_pages"))
    if one_narration:
        known.append(page_requests.c.narration_id == bindparam("of_narration"))
        waiting = waiting.where(narrations.c.narration_id == bindparam("of_narration"))
    key = tuple_(page_requests.c.narration_id, page_requests.c.page)
    still = waiting.with_only_columns(narrations.c.narration_id, pages.c.page)
    names = [column.name for column in page_requests.c]
    new = insert(page_requests).from_select(names, waiting)
    differs = or_(
        page_requests.c.state != new.excluded.state, page_requests.c.cost != new.excluded.cost
    )
    replaced = new.on_conflict_do_update(
        index_elements=[page_requests.c.narration_id, page_requests.c.page],
        set_={"state": new.excluded.state, "cost": new.excluded.cost},
        where=differs & (page_requests.c.state != REFUSED) if refused_stay else differs,
    )
    removed = delete(page_requests).where(*known, key.not_in(still))
    if not few_pages:
        return removed, replaced
    return removed.execution_options(**FEW_ROWS), replaced.execution_options(**FEW_ROWS)


def _waiting() -> Select[Any]:
    """Rows for pages of the document that could be spoken for a narration and are not."""
    alive = exists().where(documents.c.document_id == bindparam("of_document"), EXISTS)
    asks = case(
        (or_(narrations.c.ended_at.is_(None), narrations.c.ended_before_read), False), else_=True
    )
    wants = and_(
        narration_ranges.c.narration_id == narrations.c.narration_id,
        narration_ranges.c.is_missing == asks,
    )
    theirs = and_(
        pages.c.document_id == narrations.c.document_id,
        pages.c.page.between(narration_ranges.c.first, narration_ranges.c.last),
        WAS_THERE,
    )
    columns = {
        "narration_id": narrations.c.narration_id,
        "page": pages.c.page,
        "document_id": narrations.c.document_id,
        "owner_id": narrations.c.owner_id,
        "requested_at": narrations.c.requested_at,
        "state": case((IS_NOT_CUT, literal(UNCUT)), else_=literal(SPEAKABLE)),
        "cost": case((or_(IS_NOT_CUT, _was_asked_for()), 0), else_=pages.c.segments_characters),
    }
    names = [column.name for column in page_requests.c]
    return (
        select(*(columns[name].label(name) for name in names))
        .select_from(narrations.join(narration_ranges, wants).join(pages, theirs))
        .where(
            narrations.c.document_id == bindparam("of_document"),
            IS_INTERESTED,
            IS_EXTRACTED,
            ~_cannot_be_cut(),
            or_(IS_NOT_CUT, (pages.c.utterances > 0) & ~_is_served()),
            alive,
        )
    )


def _is_served() -> ColumnElement[bool]:
    """Audios of the text as it is now serve the narration, or were asked for since it was."""
    there = HAS_NOT_FAILED & audios.c.deleted_at.is_(None)
    serves = there & (audios.c.revision == REVISION)
    return every_format(
        lambda has_format: exists().where(
            audios.c.document_id == pages.c.document_id,
            audios.c.page == pages.c.page,
            audios.c.requested_at.is_not(None),
            SOUNDS_AS_ASKED,
            has_format,
            serves | (audios.c.requested_at >= narrations.c.requested_at),
        )
    )


def _was_asked_for() -> ColumnElement[bool]:
    """The text as it is now was asked for in this sound, in whatever format, whatever became of it.

    Its sentences are kept by who speaks them: they are not spoken again for another format, nor
    after a failure.
    """
    return exists().where(
        audios.c.document_id == pages.c.document_id,
        audios.c.page == pages.c.page,
        audios.c.revision == REVISION,
        audios.c.requested_at.is_not(None),
        SOUNDS_AS_ASKED,
    )


def _cannot_be_cut() -> ColumnElement[bool]:
    """Of an older text, perhaps: whoever waits for an edited page goes on waiting."""
    newer = pages.c.edited_revision.is_not(None) | pages.c.segments_revision.is_not(None)
    return pages.c.failed_code.is_not(None) & ~newer
