"""Turns what people asked for into work: fair between owners, nothing spoken twice.

A narration asks for pages; every page it asks for waits (:mod:`.waiting`) until it can be spoken.
At most ``max_pages_in_flight_per_owner`` pages of one owner are being spoken at a time, so that
one library does not starve everybody else. Of the characters of an owner, so many are spoken on a
day: what there is no room for waits, in its order, and a job goes on with it (:mod:`.resuming`).
When all pages of a narration are there, its audiobook is requested.

Everything here is a step of the transaction of the event or command that caused it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.narrations import NarrationEvent, NarrationFailed, NarrationRequested
from libs.common.database.arrays import among
from libs.common.store.effects import Effect
from libs.common.store.jobs.cancelling import CancelJobs
from libs.common.store.withdrawal import is_to_begin
from services.gateway.audio.rows import AudioRow
from services.gateway.audio.selects import AUDIOS, REQUESTED, pages_in_flight
from services.gateway.audio.tables import audios
from services.gateway.documents.selects import has_pages, owners_of
from services.gateway.documents.tables import pages
from services.gateway.documents.turns import lock_owners_of
from services.gateway.kernel.changes import changed
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.budget.daily_characters import count_characters, todays_budget
from services.gateway.narrations.decide import Decided, decide_audios
from services.gateway.narrations.jobs import RESUME_DISPATCH, ResumeJob, resume_later
from services.gateway.narrations.planning.completion import complete, job_of
from services.gateway.narrations.planning.ending import DELETED
from services.gateway.narrations.planning.waiting import look_again
from services.gateway.narrations.rows import DailyBudget, NarrationRow, RequestedPage
from services.gateway.narrations.selects import (
    next_requested,
    open_narrations_of,
)
from services.gateway.narrations.tables import REFUSED, page_requests

PageOf = tuple[UUID, int]
"""A page, as document and number."""

_REFUSE = (
    update(page_requests)
    .where(
        page_requests.c.narration_id == bindparam("narration"),
        page_requests.c.page == bindparam("refused"),
    )
    .values(state=REFUSED)
)


async def wait_for_pages(
    kernel: Kernel, connection: AsyncConnection, asked: Sequence[NarrationEvent]
) -> Sequence[Effect]:
    """Have the pages wait that narrations ask for, or end up without."""
    effects: list[Effect] = []
    for narration in asked:
        await lock_owner(connection, narration.owner_id)
        document_id, begins = narration.document_id, isinstance(narration, NarrationRequested)
        if await has_pages(connection, document_id):
            await look_again(connection, document_id, narration_id=narration.narration_id)
            effects += [next_pages_of(kernel, document_id)] if begins else []
        else:  # as when it is handed in
            effects += complete(kernel, [document_id]) if begins else []
    return effects


async def look_at_pages(
    kernel: Kernel, connection: AsyncConnection, changed_pages: Sequence[PageOf]
) -> Sequence[Effect]:
    """Have pages wait of which something has changed, or wait no more; the next ones may go."""
    await _derive_requests(connection, changed_pages)
    return [next_pages_of(kernel, document_id) for document_id in _documents(changed_pages)]


async def look_at_requested_pages(
    _kernel: Kernel, connection: AsyncConnection, requested: Sequence[PageOf]
) -> Sequence[Effect]:
    """Have pages wait no more that are being spoken from now on.

    What was refused stays so: no page has fewer sounds for that.
    """
    await _derive_requests(connection, requested, refused_stay=True)
    return []


async def look_at_new_pages(
    kernel: Kernel, connection: AsyncConnection, extracted: Sequence[PageOf]
) -> Sequence[Effect]:
    """Have new pages wait; few of them were cut before we heard of them, and may go at once."""
    await _derive_requests(connection, extracted)
    return [
        next_pages_of(kernel, document) for document in await _cut_before(connection, extracted)
    ]


async def look_at_audios(
    kernel: Kernel, connection: AsyncConnection, gone: Sequence[tuple[UUID, UUID]]
) -> Sequence[Effect]:
    """Have the pages looked at of audios (document, audio) that failed or were deleted."""
    ids = [str(audio_id) for _, audio_id in gone]
    wanted = select(audios.c.document_id, audios.c.page).where(
        among(audios.c.audio_id, ids), audios.c.page.is_not(None)
    )
    found = [(UUID(document), page) for document, page in await connection.execute(wanted)]
    await _derive_requests(connection, found)
    return [next_pages_of(kernel, document) for document in dict.fromkeys(of for of, _ in gone)]


async def _derive_requests(
    connection: AsyncConnection, which: Sequence[PageOf], *, refused_stay: bool = False
) -> None:
    by_document = _documents(which)
    await lock_owners_of(connection, by_document)
    for document_id, numbers in by_document.items():
        await look_again(connection, document_id, numbers, refused_stay=refused_stay)


def _documents(which: Sequence[PageOf]) -> dict[UUID, set[int]]:
    by_document: dict[UUID, set[int]] = {}
    for document_id, page in which:
        by_document.setdefault(document_id, set()).add(page)
    return by_document


def next_pages_of(kernel: Kernel, document_id: UUID) -> Effect:
    """Return the effect that dispatches for the owner of a document."""
    return kernel.together(dispatch_for_owners_of, document_id)


async def dispatch_for_owners_of(
    kernel: Kernel, connection: AsyncConnection, documents: Sequence[UUID]
) -> Sequence[Effect]:
    """Request the next pages of the documents' owners, then what is complete."""
    owners = await owners_of(connection, set(documents))
    effects = await dispatch_for_owners(kernel, connection, owners)
    return [*effects, *complete(kernel, documents)]


async def dispatch_for_owners(
    kernel: Kernel, connection: AsyncConnection, owners: Sequence[UUID]
) -> Sequence[Effect]:
    """Request the next pages of owners, each of them once."""
    effects: list[Effect] = []
    for owner in dict.fromkeys(owners):
        effects += await dispatch_next(kernel, connection, owner)
    return effects


async def dispatch_next(
    kernel: Kernel, connection: AsyncConnection, owner_id: UUID
) -> Sequence[Effect]:
    """Request audio for the owner's next pages, as many as may be in flight and a day has room for.

    They are looked at again: one audio may serve several narrations, and then there is room for
    more, unless no more wait. Who watches one of the documents is told. When the next page has to
    wait for another day, what costs nothing still goes.
    """
    await lock_owner(connection, owner_id)
    most = kernel.limits.max_pages_in_flight_per_owner
    free = most - await pages_in_flight(connection, owner_id)
    batch = await next_requested(connection, owner_id, free) if free > 0 else []
    if not batch:
        return []
    budget = await todays_budget(connection, kernel.limits, owner_id)
    decided = await _decide(kernel, connection, batch, budget)
    if decided.requests or decided.refused or not decided.put_off:
        return await _carry_out(kernel, connection, batch, decided, all_there=len(batch) < free)
    effects = await _wait_for_another_day(kernel, connection, decided)
    costless = await next_requested(connection, owner_id, free, without_cost=True)
    decided = await _decide(kernel, connection, costless, budget)
    return [*effects, *await _carry_out(kernel, connection, costless, decided, all_there=False)]


async def _decide(
    kernel: Kernel,
    connection: AsyncConnection,
    batch: Sequence[RequestedPage],
    budget: DailyBudget,
) -> Decided:
    spoken = await _not_failed(connection, batch) if batch else []
    return decide_audios(batch, spoken, kernel.limits.max_audios_per_page, budget)


async def _carry_out(
    kernel: Kernel,
    connection: AsyncConnection,
    batch: Sequence[RequestedPage],
    decided: Decided,
    *,
    all_there: bool,
) -> Sequence[Effect]:
    """Request audio; ``all_there`` says that no page waits beside ``batch``."""
    if decided.refused:
        await connection.execute(_REFUSE, [_key(page) for page in decided.refused])
    if not decided.requests and not decided.refused:
        return []
    passed = dict.fromkeys(page.document_id for page in batch)
    left = [*decided.refused, *decided.put_off]
    allowed = [page for page in batch if page not in left]
    nothing_more = all_there and len(decided.requests) == len(batch)
    look = look_at_requested_pages if nothing_more else look_at_pages
    return [
        *kernel.record(*decided.requests),
        *count_characters(batch[0].owner_id, decided.budget),
        *(changed(document) for document in passed),
        *(kernel.together(look, (page.document_id, page.page)) for page in allowed),
        *(next_pages_of(kernel, page.document_id) for page in decided.refused),
    ]


async def _wait_for_another_day(
    kernel: Kernel, connection: AsyncConnection, decided: Decided
) -> Sequence[Effect]:
    """Have a job go on with what is put off, one for each owner; who watches is told."""
    job = ResumeJob(owner_id=decided.put_off[0].owner_id)
    if await is_to_begin(connection, RESUME_DISPATCH.name, job.subject):
        return []
    kernel.metrics.budget_waits_total.inc()
    documents = dict.fromkeys(page.document_id for page in decided.put_off)
    return [resume_later(job, decided.budget), *map(changed, documents)]


def _key(page: RequestedPage) -> dict[str, object]:
    return {"narration": str(page.narration_id), "refused": page.page}


async def forget_documents(
    kernel: Kernel, connection: AsyncConnection, documents: Sequence[UUID]
) -> Sequence[Effect]:
    """Have no page of deleted documents wait any more; others of their owners may go.

    Whoever waited for such a document is told that nothing will come.
    """
    gone = among(page_requests.c.document_id, [str(document) for document in documents])
    effects: list[Effect] = []
    for owner in await owners_of(connection, documents):
        await lock_owner(connection, owner)
        await connection.execute(
            delete(page_requests).where(gone, page_requests.c.owner_id == str(owner))
        )
        effects += await dispatch_next(kernel, connection, owner)
    for narration in await open_narrations_of(connection, documents):
        effects += kernel.record(never_heard(narration))
        effects.append(CancelJobs(job_of(narration).subject))
    return effects


def never_heard(narration: NarrationRow) -> NarrationFailed:
    """Return the end of a narration whose document was deleted."""
    return NarrationFailed(
        document_id=narration.document_id,
        owner_id=narration.owner_id,
        narration_id=narration.narration_id,
        requested_by=narration.requested_by,
        pages_total=None,
        pages_ready=0,
        pages_silent=0,
        pages_missing=0,
        code=DELETED,
        missing=(),
    )


async def _not_failed(
    connection: AsyncConnection, batch: Sequence[RequestedPage]
) -> list[AudioRow]:
    """Return the audios of the pages in ``batch`` that are there or being made."""
    wanted = AUDIOS.select().where(
        REQUESTED,
        among(audios.c.document_id, {str(page.document_id) for page in batch}),
        among(audios.c.page, {page.page for page in batch}),
        or_(
            and_(audios.c.failed_at.is_(None), audios.c.given_up_at.is_(None)),
            audios.c.ready_at.is_not(None),
        ),
    )
    return await AUDIOS.all(connection, wanted)


async def _cut_before(connection: AsyncConnection, extracted: Sequence[PageOf]) -> list[UUID]:
    """Return the documents of which one of the pages was cut before we heard of it."""
    found = await connection.scalars(
        select(pages.c.document_id)
        .where(
            among(pages.c.document_id, {str(document_id) for document_id, _ in extracted}),
            among(pages.c.page, {page for _, page in extracted}),
            pages.c.segments_revision.is_not(None),
        )
        .distinct()
        .order_by(pages.c.document_id)
    )
    return [UUID(document) for document in found]
