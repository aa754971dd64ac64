"""Ends narrations that have stalled, so that nobody waits for ever.

An event that got lost leaves nothing behind that could fail. So every narration is looked at from
time to time: one of which nothing has moved since the last look is ended with what it has, and what
it waited for is given up, so that it holds nobody up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.base import Event
from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.tasks import TaskFailed
from libs.common.processing.failures import GivenUp, Task, task_failed
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.store.effects import Effect
from libs.common.store.withdrawal import is_unfinished
from services.gateway.audio.selects import pages_in_flight
from services.gateway.documents.selects import existing_document
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.budget.budget_waits import is_used_up
from services.gateway.narrations.facts import narration_facts
from services.gateway.narrations.jobs import (
    END_STALLED,
    RESUME_DISPATCH,
    ResumeJob,
    StalledJob,
)
from services.gateway.narrations.outcomes.missing import missing_ranges
from services.gateway.narrations.planning.dispatch import never_heard, next_pages_of
from services.gateway.narrations.planning.ending import TIMEOUT, end_of
from services.gateway.narrations.progress import NarrationFacts
from services.gateway.narrations.rows import Outcome
from services.gateway.narrations.selects import (
    audios_being_made,
    can_be_spoken,
    open_narration,
)

GATEWAY = "gateway"


@dataclass(frozen=True, kw_only=True)
class _Awaited:
    """What a narration waits for; see :class:`Task` for what is told of it."""

    document_id: UUID
    owner_id: UUID
    requested_by: UUID
    page: int | None
    stream: str


def schedule_stall_check(kernel: Kernel, asked: NarrationRequested) -> Effect:
    """Return the effect that has a narration looked at."""
    job = StalledJob(
        narration_id=asked.narration_id, document_id=asked.document_id, owner_id=asked.owner_id
    )
    return _later(kernel, job)


def _later(kernel: Kernel, job: StalledJob) -> Effect:
    delay_ms = int(kernel.limits.narration_stalled_seconds * 1000)
    return END_STALLED.new(job, subject=job.subject, owner=str(job.owner_id), delay_ms=delay_ms)


@dataclass(frozen=True)
class StalledNarrations:
    """Does the jobs."""

    kernel: Kernel

    async def look(self, job: Job[StalledJob]) -> Sequence[Effect]:
        """Look at one narration: end it, or look again later."""
        return [self.kernel.together(_look_at_narrations, job.payload)]


def end_stalled_route(kernel: Kernel) -> JobRoute:
    """Return what does the jobs."""
    return END_STALLED.done_by(StalledNarrations(kernel).look)


async def _look_at_narrations(
    kernel: Kernel, connection: AsyncConnection, jobs: Sequence[StalledJob]
) -> Sequence[Effect]:
    effects: list[Effect] = []
    for job in jobs:
        await lock_owner(connection, job.owner_id)
        narration = await open_narration(connection, job.narration_id)
        document = await existing_document(connection, job.document_id)
        if narration is None:
            continue
        if document is None:
            effects += kernel.record(never_heard(narration))
            continue
        (facts,) = await narration_facts(connection, document, [narration])
        stands_at = standing(facts)
        if stands_at == job.seen and not await _is_held_up(kernel, connection, facts):
            effects += await _end_stalled(kernel, connection, facts)
        else:
            effects.append(_later(kernel, job.model_copy(update={"seen": stands_at})))
            effects.append(next_pages_of(kernel, job.document_id))
    return effects


def standing(facts: NarrationFacts) -> str:
    """Return where a narration stands: it is another one whenever anything has moved."""
    counts = (
        *(facts.outcomes.get(outcome, 0) for outcome in get_args(Outcome)),
        sum(row.pages for row in facts.known),
        sum(row.steps for row in facts.known),
        int(facts.document.parsed_at is not None),
        int(facts.audiobook is not None),
    )
    return "/".join(map(str, counts))


async def _is_held_up(kernel: Kernel, connection: AsyncConnection, facts: NarrationFacts) -> bool:
    """Whether its pages only wait for others of their owner, or for the budget of another day.

    Those others are looked at for themselves.
    """
    narration = facts.narration
    mine = await audios_being_made(connection, narration)
    if mine or not await can_be_spoken(connection, narration.narration_id):
        return False
    in_flight = await pages_in_flight(connection, narration.owner_id)
    if in_flight >= kernel.limits.max_pages_in_flight_per_owner:
        return True
    if await is_used_up(connection, kernel.limits, narration.owner_id):
        return True
    # The day is another one, or the budget was raised, and the job that goes on has not run yet.
    resuming = ResumeJob(owner_id=narration.owner_id)
    return await is_unfinished(connection, RESUME_DISPATCH.name, resuming.subject)


async def _end_stalled(
    kernel: Kernel, connection: AsyncConnection, facts: NarrationFacts
) -> Sequence[Effect]:
    """Return the effects of ending a narration, and of giving up what it waits for."""
    given_up: list[Event] = [
        _given_up(facts, AudioRequested, page=audio.page, audio_id=audio.audio_id)
        for audio in await audios_being_made(connection, facts.narration)
    ]
    book = facts.audiobook
    if book is not None and book.ready_at is None and not book.has_failed:
        given_up.append(_given_up(facts, AudiobookRequested, audiobook_id=book.audiobook_id))
    ended = end_of(facts, TIMEOUT, await missing_ranges(connection, facts))
    return [*kernel.record(*given_up, ended), next_pages_of(kernel, facts.document.document_id)]


def _given_up(
    facts: NarrationFacts, asked: type[Event], *, page: int | None = None, **identity: UUID
) -> TaskFailed:
    """Say that nothing more is waited for of what was ``asked``; ``identity`` names its stream."""
    narration, stream = facts.narration, asked.stream_of(**identity)
    about = _Awaited(
        document_id=narration.document_id,
        owner_id=narration.owner_id,
        requested_by=narration.requested_by,
        page=page,
        stream=stream,
    )
    task = Task(kind=asked.topic, name=stream, about=about, attempts=1)
    return task_failed(GATEWAY, task, GivenUp(TIMEOUT))
