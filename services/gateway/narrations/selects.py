"""Typed rows of narrations and of the pages they wait for, read from their tables."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among
from services.gateway.audio.rows import AudioRow, SpokenAs, format_bits
from services.gateway.audio.selects import AUDIOS, REQUESTED
from services.gateway.audio.tables import IN_FLIGHT, audiobooks, audios
from services.gateway.documents.selects import (
    EXISTS,
    IS_CUT,
    IS_PARSED,
    IS_UNREADABLE,
    REVISION,
    look_in_vain,
)
from services.gateway.documents.tables import documents, pages
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.rows import RowReader
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.rows import EVERY_PAGE, NarrationRow, RequestedPage
from services.gateway.narrations.tables import (
    COSTS_NOTHING,
    REFUSED,
    SPEAKABLE,
    narration_ranges,
    narrations,
    page_requests,
)

NARRATIONS = RowReader(NarrationRow, narrations)
REQUESTED_PAGES = RowReader(RequestedPage, page_requests, pages, narrations)

# Statements that run often are built once: building them takes longer than running them.
_REQUESTED = narrations.c.requested_at.is_not(None)
_PLACE = (narrations.c.requested_at, narrations.c.narration_id)
_NEWEST = (
    NARRATIONS.select()
    .where(narrations.c.document_id == bindparam("document"), _REQUESTED)
    .order_by(*(column.desc() for column in _PLACE))
    .limit(bindparam("limit", type_=Integer()))
)
_BEGINS_ALIKE = exists().where(
    narration_ranges.c.narration_id == narrations.c.narration_id,
    narration_ranges.c.is_missing == false(),
    narration_ranges.c.first == bindparam("first"),
    narration_ranges.c.last == bindparam("last"),
)
"""The first range is the same; whether all are is compared in Python."""

_ALIKE = (
    NARRATIONS.select()
    .where(
        narrations.c.document_id == bindparam("document"),
        narrations.c.requested_at.is_not(None),
        narrations.c.engine == bindparam("engine"),
        narrations.c.voice == bindparam("voice"),
        narrations.c.rate == bindparam("rate"),
        narrations.c.format_bits == bindparam("format_bits"),
        func.coalesce(narrations.c.audiobook, "") == bindparam("audiobook"),
        narrations.c.ended_at.is_(None) | (narrations.c.pages_missing == 0),
        _BEGINS_ALIKE,
    )
    .order_by(narrations.c.requested_at.desc())
)


async def narration_row(connection: AsyncConnection, narration_id: UUID) -> NarrationRow:
    """Return a narration.

    Raises:
        NotFound: There is none.
    """
    this = (narrations.c.narration_id == str(narration_id), _REQUESTED)
    row = await NARRATIONS.one(connection, NARRATIONS.select().where(*this))
    if row is None:
        await look_in_vain(connection)
        raise NotFound("narration")
    return row


async def narrations_of(
    connection: AsyncConnection, document_id: UUID, limit: int, after: tuple[str, str] | None = None
) -> list[NarrationRow]:
    """Return at most ``limit`` narrations of a document, newest first, from behind ``after``.

    ``after`` is a place as cursors have it: when a narration was asked for, and its id.
    """
    asked: dict[str, Any] = {"document": str(document_id), "limit": limit}
    if after is None:
        return await NARRATIONS.all(connection, _NEWEST, asked)
    return await NARRATIONS.all(connection, _NEWEST.where(tuple_(*_PLACE) < after), asked)


async def newest_alike(
    connection: AsyncConnection, document_id: UUID, spoken_as: SpokenAs, options: NarrationOptions
) -> NarrationRow | None:
    """Return the newest narration of a document that asks for the same and lacks no page."""
    begin = (EVERY_PAGE if options.pages is None else options.pages)[0]
    engine, voice, rate = spoken_as
    asked = {
        "document": str(document_id),
        "engine": engine,
        "voice": voice,
        "rate": rate,
        "format_bits": format_bits(options.formats),
        "audiobook": options.audiobook or "",
        "first": begin.first,
        "last": begin.last,
    }
    rows = await NARRATIONS.all(connection, _ALIKE, asked)
    return next((row for row in rows if row.pages == options.pages), None)


WAITS = exists().where(
    page_requests.c.narration_id == narrations.c.narration_id, page_requests.c.state != REFUSED
)
HAS_AUDIOBOOK = exists().where(
    audiobooks.c.narration_id == narrations.c.narration_id, audiobooks.c.requested_at.is_not(None)
)
IS_OPEN = narrations.c.requested_at.is_not(None) & narrations.c.ended_at.is_(None)
IS_INTERESTED = (
    narrations.c.requested_at.is_not(None)
    & narrations.c.canceled_at.is_(None)
    & (
        narrations.c.ended_at.is_(None)
        | narrations.c.ended_before_read
        | (narrations.c.pages_missing > 0)
    )
)
"""It may still have to be given audio: for what it asks for or, ended, was left without."""


async def narrations_without_audiobook(
    connection: AsyncConnection, document_id: UUID
) -> list[NarrationRow]:
    """Return the narrations of a document that want an audiobook, have none, wait for no page."""
    return await NARRATIONS.all(connection, _LACK_AUDIOBOOK, {"document": str(document_id)})


async def narrations_at_rest(connection: AsyncConnection, document_id: UUID) -> list[NarrationRow]:
    """Return the narrations of a document that wait for no page, and are not settled.

    That is looked at first: working out how far they are takes as long as they have pages.
    """
    return await NARRATIONS.all(connection, _NOT_SETTLED, {"document": str(document_id)})


def _at_rest() -> Select[Any]:
    """Narrations of a document of which nothing is waiting, being spoken or still to be read."""
    document_id: BindParameter[str] = bindparam("document")
    speaking = exists().where(
        audios.c.owner_id == narrations.c.owner_id,  # there is an index of what they have in flight
        audios.c.document_id == document_id,
        REQUESTED,
        IN_FLIGHT,
    )
    known = exists().where(documents.c.document_id == document_id, IS_PARSED | IS_UNREADABLE)
    return (
        NARRATIONS.select()
        .where(narrations.c.document_id == document_id, narrations.c.requested_at.is_not(None))
        .where(~WAITS, ~speaking, known)
    )


_WITHOUT_AUDIOBOOK = (
    narrations.c.audiobook.is_not(None) & narrations.c.canceled_at.is_(None) & ~HAS_AUDIOBOOK
)
_LACK_AUDIOBOOK = _at_rest().where(_WITHOUT_AUDIOBOOK)
_NOT_SETTLED = _at_rest().where(IS_OPEN | _WITHOUT_AUDIOBOOK)


async def interesting_documents(connection: AsyncConnection) -> list[UUID]:
    """Return the documents that any narration is interested in."""
    found = select(narrations.c.document_id).where(IS_INTERESTED).distinct()
    return [UUID(document) for document in await connection.scalars(found)]


async def open_narration(connection: AsyncConnection, narration_id: UUID) -> NarrationRow | None:
    """Return a narration that has not ended; None if it has."""
    this = narrations.c.narration_id == str(narration_id)
    return await NARRATIONS.one(connection, NARRATIONS.select().where(this, IS_OPEN))


async def open_narrations_of(
    connection: AsyncConnection, ids: Collection[UUID]
) -> list[NarrationRow]:
    """Return the narrations of documents that have not ended."""
    about = among(narrations.c.document_id, [str(document_id) for document_id in ids])
    return await NARRATIONS.all(connection, NARRATIONS.select().where(about, IS_OPEN))


_SAME_PAGE = and_(
    pages.c.document_id == page_requests.c.document_id, pages.c.page == page_requests.c.page
)
_NEXT = (
    REQUESTED_PAGES.select()
    .join(pages, _SAME_PAGE)
    .join(narrations, narrations.c.narration_id == page_requests.c.narration_id)
    .join(documents, documents.c.document_id == page_requests.c.document_id)
    .where(page_requests.c.owner_id == bindparam("owner"), IS_CUT, EXISTS)
    .order_by(page_requests.c.requested_at, page_requests.c.narration_id, page_requests.c.page)
    .limit(bindparam("limit", type_=Integer()))
)
_NEXT_REQUESTED = _NEXT.where(page_requests.c.state == SPEAKABLE)
_NEXT_WITHOUT_COST = _NEXT.where(COSTS_NOTHING)


async def next_requested(
    connection: AsyncConnection, owner_id: UUID, limit: int, *, without_cost: bool = False
) -> list[RequestedPage]:
    """Return the pages of an owner that are next and can be spoken, at most ``limit``.

    All of them, or only those ``without_cost``.
    """
    asked = {"owner": str(owner_id), "limit": limit}
    return await REQUESTED_PAGES.all(
        connection, _NEXT_WITHOUT_COST if without_cost else _NEXT_REQUESTED, asked
    )


async def refused_pages(
    connection: AsyncConnection, narration_id: UUID, numbers: Collection[int]
) -> set[int]:
    """Return which of these pages are not spoken for a narration: they have too many sounds."""
    return set(
        await connection.scalars(
            select(page_requests.c.page).where(
                page_requests.c.narration_id == str(narration_id),
                among(page_requests.c.page, numbers),
                page_requests.c.state == REFUSED,
            )
        )
    )


async def can_be_spoken(connection: AsyncConnection, narration_id: UUID) -> bool:
    """Return whether a page waits for its turn only."""
    one = select(page_requests.c.page).where(
        page_requests.c.narration_id == str(narration_id), page_requests.c.state == SPEAKABLE
    )
    return await connection.scalar(one.limit(1)) is not None


async def audios_being_made(
    connection: AsyncConnection, narration: NarrationRow, *, lock: bool = False
) -> list[AudioRow]:
    """Return the audios that serve a narration and are being made; locked, if asked."""
    wanted = (
        AUDIOS.select()
        .join(
            narration_ranges,
            audios.c.page.between(narration_ranges.c.first, narration_ranges.c.last),
        )
        .join(
            pages, (pages.c.document_id == audios.c.document_id) & (pages.c.page == audios.c.page)
        )
        .where(
            audios.c.owner_id == str(narration.owner_id),
            audios.c.document_id == str(narration.document_id),
            narration_ranges.c.narration_id == str(narration.narration_id),
            narration_ranges.c.is_missing == false(),
            audios.c.revision == REVISION,
            or_(pages.c.added_at.is_(None), pages.c.page <= (narration.page_count or 0)),
            tuple_(audios.c.engine, audios.c.voice, audios.c.rate) == narration.spoken_as,
            REQUESTED,
            audios.c.ready_at.is_(None),
            audios.c.failed_at.is_(None),
            audios.c.given_up_at.is_(None),
        )
        .order_by(audios.c.page)
    )
    return await AUDIOS.all(connection, wanted.with_for_update(of=audios) if lock else wanted)


async def is_over(connection: AsyncConnection, narration_id: UUID) -> bool:
    """Return whether a narration has ended, or its document is gone; one cheap look."""
    goes_on = (
        select(narrations.c.narration_id)
        .join(documents, documents.c.document_id == narrations.c.document_id)
        .where(narrations.c.narration_id == str(narration_id), IS_OPEN, EXISTS)
    )
    return await connection.scalar(goes_on) is None
