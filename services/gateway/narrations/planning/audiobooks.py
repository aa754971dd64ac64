"""Asks for the audiobook of a narration that is complete.

What it is made of is too much for an event, and personal: it is stored first, as an object of the
document, by a job. The job decides again in the transaction that records the request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.audio import AudiobookRequested
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import DETAILS, AudiobookContents
from libs.common.contracts.identifiers import uuid7
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.store.effects import Effect
from services.gateway.documents.selects import existing_document
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.decide import audiobook_contents
from services.gateway.narrations.facts import narration_facts
from services.gateway.narrations.jobs import REQUEST_AUDIOBOOK, NarrationJob
from services.gateway.narrations.outcomes.page_outcomes import ready_pages
from services.gateway.narrations.rows import NarrationRow
from services.gateway.narrations.selects import narrations_without_audiobook


@dataclass(frozen=True)
class Plan:
    """A narration and what its audiobook is made of."""

    narration: NarrationRow
    contents: AudiobookContents

    @property
    def audiobook_id(self) -> UUID:
        """The audiobook: a narration has one, whoever asks for it."""
        return uuid5(self.narration.narration_id, "audiobook")


@dataclass(frozen=True)
class StoredPlan:
    """A plan whose contents are stored."""

    job: NarrationJob
    contents: AudiobookContents
    details: ObjectRef


@dataclass(frozen=True)
class AudiobookRequester:
    """Does the jobs."""

    kernel: Kernel

    async def request(self, job: Job[NarrationJob]) -> Sequence[Effect]:
        """Store what one audiobook is made of, and ask for it."""
        asked = job.payload
        async with self.kernel.database.reading() as connection:
            plan = await _plan(connection, asked)
        if plan is None:
            return []
        key = f"documents/{asked.document_id}/audiobooks/{plan.audiobook_id}.{uuid7()}.json"
        details = await self.kernel.storage.write(key, plan.contents.encode(), DETAILS)
        stored = StoredPlan(asked, plan.contents, details)
        return [self.kernel.together(request_stored, stored)]


def request_audiobook_route(kernel: Kernel) -> JobRoute:
    """Return what does the jobs."""
    return REQUEST_AUDIOBOOK.done_by(AudiobookRequester(kernel).request)


async def request_stored(
    kernel: Kernel, connection: AsyncConnection, stored: Sequence[StoredPlan]
) -> Sequence[Effect]:
    """Ask for audiobooks whose contents are stored; if these are others by now, begin again."""
    effects: list[Effect] = []
    for one in stored:
        await lock_owner(connection, one.job.owner_id)
        plan = await _plan(connection, one.job)
        if plan is None:
            continue
        same = plan.contents.model_copy(update={"nonce": one.contents.nonce})
        if same == one.contents:
            effects += kernel.record(_requested(plan, one.details))
        else:
            owner = str(one.job.owner_id)
            effects.append(REQUEST_AUDIOBOOK.new(one.job, subject=one.job.subject, owner=owner))
    return effects


async def _plan(connection: AsyncConnection, job: NarrationJob) -> Plan | None:
    """Return the plan of a book; None while it lacks pages, and once it was asked for."""
    narrations = await narrations_without_audiobook(connection, job.document_id)
    narration = next((row for row in narrations if row.narration_id == job.narration_id), None)
    document = await existing_document(connection, job.document_id)
    if narration is None or document is None:
        return None
    (facts,) = await narration_facts(connection, document, [narration])
    if not facts.may_have_audiobook:
        return None
    pages = await ready_pages(connection, narration, document.pages_total)
    return Plan(narration, audiobook_contents(document, pages))


def _requested(plan: Plan, details: ObjectRef) -> AudiobookRequested:
    narration = plan.narration
    if narration.audiobook is None:
        raise ValueError("a narration without an audiobook has no plan of one")
    return AudiobookRequested(
        document_id=narration.document_id,
        owner_id=narration.owner_id,
        requested_by=narration.requested_by,
        audiobook_id=plan.audiobook_id,
        narration_id=narration.narration_id,
        format=narration.audiobook,
        page_count=len(plan.contents.pages),
        details=details,
    )
