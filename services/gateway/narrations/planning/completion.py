"""Notices that a narration has all its pages: its audiobook is asked for, or it has ended."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.store.effects import Effect
from libs.common.store.jobs.cancelling import CancelJobs
from services.gateway.documents.selects import existing_document
from services.gateway.documents.turns import lock_owners_of
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.facts import narration_facts
from services.gateway.narrations.jobs import REQUEST_AUDIOBOOK, NarrationJob
from services.gateway.narrations.outcomes.missing import missing_ranges
from services.gateway.narrations.planning.ending import PAGES_FAILED, code_of_end, end_of
from services.gateway.narrations.planning.waiting import look_again
from services.gateway.narrations.progress import NarrationFacts
from services.gateway.narrations.rows import NarrationRow
from services.gateway.narrations.selects import narrations_at_rest, open_narration


def complete(kernel: Kernel, documents: Iterable[UUID]) -> list[Effect]:
    """Return the effects that carry on what is complete of ``documents``."""
    return [kernel.together(complete_narrations, document) for document in documents]


async def complete_narrations(
    kernel: Kernel, connection: AsyncConnection, documents: Sequence[UUID]
) -> Sequence[Effect]:
    """Ask for the audiobook of every narration that is complete now, or end it."""
    effects: list[Effect] = []
    for document_id in dict.fromkeys(documents):
        effects += await _of_document(kernel, connection, document_id)
    return effects


async def _of_document(
    kernel: Kernel, connection: AsyncConnection, document_id: UUID
) -> Sequence[Effect]:
    await lock_owners_of(connection, [document_id])
    at_rest = await narrations_at_rest(connection, document_id)
    for narration in at_rest:
        # What arrived together is folded, and may be looked at only after this.
        await look_again(connection, document_id, narration_id=narration.narration_id)
    at_rest = await narrations_at_rest(connection, document_id) if at_rest else []
    document = await existing_document(connection, document_id) if at_rest else None
    if document is None:
        return []
    effects: list[Effect] = []
    for facts in await narration_facts(connection, document, at_rest):
        effects += await _next(kernel, connection, facts)
    return effects


async def _next(
    kernel: Kernel, connection: AsyncConnection, facts: NarrationFacts
) -> Sequence[Effect]:
    narration = facts.narration
    if facts.may_have_audiobook:
        job = job_of(narration)
        return [REQUEST_AUDIOBOOK.new(job, subject=job.subject, owner=str(narration.owner_id))]
    code = code_of_end(facts)
    return [] if code is None else await end(kernel, connection, facts, code)


async def end(
    kernel: Kernel, connection: AsyncConnection, facts: NarrationFacts, code: str
) -> Sequence[Effect]:
    """Return the effects of ending a narration; ``code`` says why if nothing can be heard."""
    ended = end_of(facts, code, await missing_ranges(connection, facts))
    return [*kernel.record(ended), CancelJobs(job_of(facts.narration).subject)]


async def end_without_audiobook(
    kernel: Kernel, connection: AsyncConnection, ids: Sequence[UUID]
) -> Sequence[Effect]:
    """End narrations whose audiobook could not even be asked for."""
    effects: list[Effect] = []
    for narration_id in dict.fromkeys(ids):
        narration = await open_narration(connection, narration_id)
        document = await existing_document(connection, narration.document_id) if narration else None
        if narration is None or document is None:
            continue
        await lock_owner(connection, narration.owner_id)
        (facts,) = await narration_facts(connection, document, [narration])
        effects += await end(kernel, connection, facts, PAGES_FAILED)
    return effects


def job_of(narration: NarrationRow) -> NarrationJob:
    """Return what jobs need to know of a narration."""
    return NarrationJob(
        narration_id=narration.narration_id,
        document_id=narration.document_id,
        owner_id=narration.owner_id,
    )
