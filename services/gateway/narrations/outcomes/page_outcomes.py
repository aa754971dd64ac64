"""What became of the pages of narrations, worked out by the database.

A document of thousands of pages is settled in one statement: no row of a page is read to count it.
"""

from collections.abc import Callable, Collection
from functools import reduce
from operator import mul
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.details import AudiobookPage
from libs.common.contracts.formats import page_format_of
from libs.common.database.arrays import among_given
from services.gateway.audio.rows import FORMAT_BITS
from services.gateway.audio.selects import REQUESTED
from services.gateway.audio.tables import audios
from services.gateway.documents.selects import IS_CUT, IS_EXTRACTED, REVISION
from services.gateway.documents.tables import pages
from services.gateway.narrations.rows import NarrationRow, Outcome, OutcomeRow
from services.gateway.narrations.tables import (
    REFUSED,
    narration_ranges,
    narrations,
    page_requests,
)

IS_READY = audios.c.ready_at.is_not(None)
HAS_NOT_FAILED = or_(IS_READY, audios.c.failed_at.is_(None) & audios.c.given_up_at.is_(None))
"""The audio is there or being made."""

SOUNDS_AS_ASKED = and_(
    audios.c.engine == narrations.c.engine,
    audios.c.voice == narrations.c.voice,
    audios.c.rate == narrations.c.rate,
)
IS_NOT_CUT = or_(~IS_CUT, pages.c.segments_revision.is_(None))


WAS_THERE = or_(pages.c.added_at.is_(None), pages.c.page <= narrations.c.page_count)
"""The page was not added after the narration was asked for."""


def every_format(
    holds: Callable[[ColumnElement[bool]], ColumnElement[bool]],
) -> ColumnElement[bool]:
    """Return whether each format of a narration, as a condition on an audio, ``holds``."""
    return and_(
        *(
            or_(
                narrations.c.format_bits.op("&")(bit) == 0,
                holds(audios.c.format_bits.op("&")(bit) != 0),
            )
            for bit in FORMAT_BITS.values()
        )
    )


async def outcomes_of(
    connection: AsyncConnection, document_id: UUID, ids: Collection[UUID], page_count: int | None
) -> list[OutcomeRow]:
    """Return how many pages of narrations of a document became what, of those known so far.

    ``page_count`` is that of the document, None while it is still read.
    """
    asked = _values(document_id, ids, page_count)
    return [
        OutcomeRow(
            narration_id=UUID(narration_id),
            outcome=outcome,
            pages=count,
            characters=int(characters),
            duration_ms=int(duration_ms),
            first_ready_at=first_ready_at,
            steps=int(steps),
        )
        for (
            narration_id,
            outcome,
            count,
            characters,
            duration_ms,
            first_ready_at,
            steps,
        ) in await connection.execute(_COUNTED, asked)
    ]


async def pages_that_are(
    connection: AsyncConnection,
    narration: NarrationRow,
    page_count: int | None,
    wanted: Collection[Outcome],
    after: int = 0,
) -> list[int]:
    """Return the pages behind page ``after`` that became one of ``wanted``, in order."""
    asked = _values(narration.document_id, [narration.narration_id], page_count, after)
    return list(await connection.scalars(_PAGES_THAT_ARE, {**asked, "outcomes": list(wanted)}))


async def ready_pages(
    connection: AsyncConnection, narration: NarrationRow, page_count: int | None
) -> list[AudiobookPage]:
    """Return the pages of a narration that can be heard in the format its audiobook needs.

    Of several audios of a page it is the one that was ready last.
    """
    if narration.audiobook is None:
        return []
    bit = FORMAT_BITS[page_format_of(narration.audiobook)]
    wanted = (
        select(pages.c.page, audios.c.audio_id)
        .select_from(asked_pages().join(audios, _serves()))
        .where(
            narrations.c.narration_id == str(narration.narration_id),
            pages.c.page <= (page_count or MAX_PAGES),
            pages.c.utterances > 0,
            audios.c.format_bits.op("&")(bit) != 0,
            IS_READY,
        )
        .order_by(pages.c.page, audios.c.ready_at)
    )
    newest = {page: UUID(audio_id) for page, audio_id in await connection.execute(wanted)}
    return [AudiobookPage(page=page, audio_id=audio_id) for page, audio_id in newest.items()]


def _serves() -> ColumnElement[bool]:
    """An audio is of a page's text as it is now, and sounds as the narration asks."""
    return and_(
        audios.c.document_id == pages.c.document_id,
        audios.c.page == pages.c.page,
        audios.c.revision == REVISION,
        REQUESTED,
        SOUNDS_AS_ASKED,
    )


def asked_pages() -> FromClause:
    """Return narrations, each joined with the pages of its document that it asks for."""
    mine = and_(
        narration_ranges.c.narration_id == narrations.c.narration_id,
        narration_ranges.c.is_missing == false(),
    )
    theirs = and_(
        pages.c.document_id == narrations.c.document_id,
        pages.c.page.between(narration_ranges.c.first, narration_ranges.c.last),
        WAS_THERE,
    )
    return narrations.join(narration_ranges, mine).join(pages, theirs)


def _values(
    document_id: UUID, ids: Collection[UUID], page_count: int | None, after: int = 0
) -> dict[str, Any]:
    """Return the parameters of :func:`_outcomes`."""
    return {
        "document": str(document_id),
        "chosen": [str(narration_id) for narration_id in ids],
        "first": after + 1,
        "last": page_count or MAX_PAGES,
    }


def _outcomes() -> Select[Any]:
    """One row for each page of a narration that anything is known of."""
    waits = and_(
        page_requests.c.narration_id == narrations.c.narration_id,
        page_requests.c.page == pages.c.page,
    )
    joined = asked_pages().outerjoin(audios, _serves()).outerjoin(page_requests, waits)
    return (
        select(
            narrations.c.narration_id,
            pages.c.page,
            _outcome().label("outcome"),
            pages.c.segments_characters.label("characters"),
            func.max(case((IS_READY, audios.c.duration_ms))).label("duration_ms"),
            func.min(case((IS_READY, audios.c.ready_at))).label("ready_at"),
            _steps().label("steps"),
        )
        .select_from(joined)
        .where(
            narrations.c.document_id == bindparam("document"),
            among_given(narrations.c.narration_id, "chosen"),
            pages.c.page.between(bindparam("first"), bindparam("last")),
        )
        .group_by(narrations.c.narration_id, pages.c.document_id, pages.c.page)
    )


def _outcome() -> ColumnElement[str]:
    ready, alive = _in_every_format(IS_READY), _in_every_format(HAS_NOT_FAILED)
    spoken = _in_every_format(audios.c.audio_id.is_not(None))
    state = func.max(page_requests.c.state)
    waits, refused = state != REFUSED, state == REFUSED
    still = case((narrations.c.ended_at.is_(None), "waiting"), else_="failed")
    stopped = narrations.c.canceled_at.is_not(None)
    without = case((stopped, literal("failed")), else_=literal("outdated"))
    cannot_be_cut = pages.c.failed_code.is_not(None)
    return case(
        (ready == 1, literal("ready")),
        (alive == 1, literal("waiting")),
        (~IS_EXTRACTED, still),
        (IS_NOT_CUT & cannot_be_cut, literal("failed")),
        (IS_NOT_CUT & waits, still),
        (IS_NOT_CUT, without),
        (pages.c.utterances == 0, literal("silent")),
        (refused, literal("failed")),
        (waits, still),
        (spoken == 1, literal("failed")),
        else_=without,
    )


def _in_every_format(state: ColumnElement[bool]) -> ColumnElement[int]:
    """1 if each format of the narration is had from an audio in ``state``, else 0."""
    had = [
        func.max(
            case(
                (narrations.c.format_bits.op("&")(bit) == 0, 1),
                (state & (audios.c.format_bits.op("&")(bit) != 0), 1),
                else_=0,
            ),
            type_=Integer,
        )
        for bit in FORMAT_BITS.values()
    ]
    return reduce(mul, had)


def _steps() -> ColumnElement[int]:
    """A number that is another one whenever a page has moved: read, cut again, spoken a bit."""
    read = case((IS_EXTRACTED, 1), else_=0)
    cut = case((IS_CUT, pages.c.segments_revision + 1), else_=0)
    return read + cut + func.coalesce(func.sum(audios.c.done), 0) + func.count(audios.c.audio_id)


def _counted() -> Select[Any]:
    page = _outcomes().subquery()
    is_ready = page.c.outcome == "ready"
    return select(
        page.c.narration_id,
        page.c.outcome,
        func.count(type_=Integer),
        func.coalesce(func.sum(page.c.characters), 0),
        func.coalesce(func.sum(case((is_ready, page.c.duration_ms))), 0),
        func.min(case((is_ready, page.c.ready_at))),
        func.coalesce(func.sum(page.c.steps), 0),
    ).group_by(page.c.narration_id, page.c.outcome)


def _pages_that_are() -> Select[Any]:
    page = _outcomes().subquery()
    return select(page.c.page).where(among_given(page.c.outcome, "outcomes")).order_by(page.c.page)


_COUNTED, _PAGES_THAT_ARE = _counted(), _pages_that_are()
"""Built once: building them takes longer than running them."""
