"""Turns what people asked for into work: fair between owners, nothing spoken twice.

A narration asks for pages; every page it asks for waits in ``page_requests`` until it can be
spoken. At most ``max_pages_in_flight_per_owner`` pages of one owner are being spoken at a time, so
one library does not starve everybody else. When all pages of a narration are there, its audiobook
is requested.

Everything here is a step of the transaction of the event or command that caused it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, String, delete, exists, literal, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.documents import PageExtracted
from libs.common.contracts.narrations import NarrationFailed, NarrationRequested
from libs.common.contracts.pages import PageRange
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.upsert import add_once
from libs.common.store.effects import Effect
from libs.common.store.jobs import CancelJobs
from services.gateway.audio.rows import AudioRow
from services.gateway.audio.selects import AUDIOS, REQUESTED, pages_in_flight
from services.gateway.audio.tables import audios
from services.gateway.documents.selects import owners_of
from services.gateway.documents.tables import pages
from services.gateway.kernel.changes import changed
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.planning.completion import complete, job_of
from services.gateway.narrations.planning.decide import decide_audios
from services.gateway.narrations.planning.ending import DELETED
from services.gateway.narrations.rows import NarrationRow, RequestedPage
from services.gateway.narrations.selects import (
    narrations_of,
    next_requested,
    open_narrations_of,
)
from services.gateway.narrations.tables import page_requests

RANGES_PER_QUERY = 250
"""SQLite nests no more than 1,000 conditions."""


async def request_known_pages(
    kernel: Kernel, connection: AsyncConnection, asked: Sequence[NarrationRequested]
) -> Sequence[Effect]:
    """Have every page wait that a new narration asks for and that is known so far."""
    effects: list[Effect] = []
    for narration in asked:
        await lock_owner(connection, narration.owner_id)
        chosen = select(
            literal(str(narration.narration_id), String),
            pages.c.document_id,
            literal(str(narration.owner_id), String),
            pages.c.page,
        ).where(pages.c.document_id == str(narration.document_id))
        columns = ["narration_id", "document_id", "owner_id", "page"]
        for some in _in_parts(narration.pages):
            these = chosen if some is None else chosen.where(or_(*map(_holds_page, some)))
            known = insert(page_requests).from_select(columns, these.order_by(pages.c.page))
            effects.append(known.on_conflict_do_nothing())
        effects.append(next_pages_of(kernel, narration.document_id))
    return effects


def _in_parts(ranges: Sequence[PageRange] | None) -> Sequence[Sequence[PageRange] | None]:
    """Return ranges of pages in parts that a statement has parameters for."""
    if ranges is None:
        return [None]
    return [ranges[n : n + RANGES_PER_QUERY] for n in range(0, len(ranges), RANGES_PER_QUERY)]


def _holds_page(run: PageRange) -> ColumnElement[bool]:
    return pages.c.page.between(run.first, run.last)


async def request_extracted_pages(
    kernel: Kernel, connection: AsyncConnection, extracted: Sequence[PageExtracted]
) -> Sequence[Effect]:
    """Have new pages wait for every narration that asked for them before they were there."""
    about = {event.document_id for event in extracted}
    for owner in await owners_of(connection, about):
        await lock_owner(connection, owner)
    asking = await narrations_of(connection, about)
    requests = [
        add_once(
            page_requests,
            narration_id=str(narration.narration_id),
            document_id=str(narration.document_id),
            owner_id=str(narration.owner_id),
            page=event.page,
        )
        for event in extracted
        for narration in asking
        if narration.document_id == event.document_id and narration.includes(event.page)
    ]
    cut = await _cut_before(connection, extracted)
    return [*requests, *(next_pages_of(kernel, document) for document in cut)]


def next_pages_of(kernel: Kernel, document_id: UUID) -> Effect:
    """Return the effect that dispatches for the owner of a document."""
    return kernel.together(dispatch_for_owners_of, document_id)


async def dispatch_for_owners_of(
    kernel: Kernel, connection: AsyncConnection, documents: Sequence[UUID]
) -> Sequence[Effect]:
    """Request the next pages of the documents' owners, then what is complete."""
    effects: list[Effect] = []
    for owner in await owners_of(connection, set(documents)):
        effects += await dispatch_next(kernel, connection, owner)
    return [*effects, *complete(kernel, documents)]


async def dispatch_next(
    kernel: Kernel, connection: AsyncConnection, owner_id: UUID
) -> Sequence[Effect]:
    """Request audio for the owner's next pages, as many as may be in flight.

    What is silent, spoken already or requested now waits no longer: audiobooks may be complete
    by that, and who watches one of the documents is told.
    """
    await lock_owner(connection, owner_id)
    most = kernel.limits.max_pages_in_flight_per_owner
    free = most - await pages_in_flight(connection, owner_id)
    requests: list[AudioRequested] = []
    passed: dict[UUID, None] = {}
    while free > len(requests):
        batch = await next_requested(connection, owner_id, free - len(requests))
        if not batch:
            break
        spoken = await _not_failed(connection, batch)
        requests += decide_audios(batch, [*spoken, *requests])
        taken = [page.id for page in batch]
        await connection.execute(delete(page_requests).where(page_requests.c.id.in_(taken)))
        passed |= dict.fromkeys(page.document_id for page in batch)
    return [
        *kernel.record(*requests),
        *(changed(document) for document in passed),
        *complete(kernel, passed),
    ]


async def forget_documents(
    kernel: Kernel, connection: AsyncConnection, documents: Sequence[UUID]
) -> Sequence[Effect]:
    """Have no page of deleted documents wait any more; others of their owners may go.

    Whoever waited for such a document is told that nothing will come.
    """
    gone = page_requests.c.document_id.in_([str(document) for document in documents])
    effects: list[Effect] = []
    for owner in await owners_of(connection, documents):
        await lock_owner(connection, owner)
        await connection.execute(
            delete(page_requests).where(gone, page_requests.c.owner_id == str(owner))
        )
        effects += await dispatch_next(kernel, connection, owner)
    for narration in await open_narrations_of(connection, documents):
        effects += kernel.record(_never_heard(narration))
        effects.append(CancelJobs(job_of(narration).subject))
    return effects


def _never_heard(narration: NarrationRow) -> NarrationFailed:
    return NarrationFailed(
        document_id=narration.document_id,
        owner_id=narration.owner_id,
        narration_id=narration.narration_id,
        requested_by=narration.requested_by,
        pages_total=0,
        pages_ready=0,
        pages_silent=0,
        pages_missing=0,
        code=DELETED,
    )


async def forget_failed_pages(
    _kernel: Kernel, connection: AsyncConnection, failed: Sequence[TaskFailed]
) -> Sequence[Effect]:
    """Have pages that cannot be cut wait no longer: they will never be spoken.

    The failure may be that of an older text: who waits for an edited page goes on waiting.
    """
    for owner in await owners_of(
        connection, {task.document_id for task in failed if task.document_id is not None}
    ):
        await lock_owner(connection, owner)
    newer = or_(pages.c.edited_revision.is_not(None), pages.c.segments_revision.is_not(None))
    for task in failed:
        this = pages.c.document_id == str(task.document_id), pages.c.page == task.page
        await connection.execute(
            delete(page_requests)
            .where(page_requests.c.document_id == str(task.document_id))
            .where(page_requests.c.page == task.page, ~exists().where(*this, newer))
        )
    return []


async def _not_failed(
    connection: AsyncConnection, batch: Sequence[RequestedPage]
) -> list[AudioRow]:
    """Return the audios of the pages in ``batch`` that are there or being made."""
    wanted = AUDIOS.select().where(
        REQUESTED,
        audios.c.document_id.in_({str(page.document_id) for page in batch}),
        audios.c.page.in_({page.page for page in batch}),
        audios.c.failed_at.is_(None),
        audios.c.given_up_at.is_(None),
    )
    return await AUDIOS.all(connection, wanted)


async def _cut_before(
    connection: AsyncConnection, extracted: Sequence[PageExtracted]
) -> list[UUID]:
    """Return the documents of which one of the pages was cut before we heard of it."""
    found = await connection.scalars(
        select(pages.c.document_id)
        .where(
            pages.c.document_id.in_({str(event.document_id) for event in extracted}),
            pages.c.page.in_({event.page for event in extracted}),
            pages.c.segments_revision.is_not(None),
        )
        .distinct()
        .order_by(pages.c.document_id)
    )
    return [UUID(document) for document in found]
