"""What synth does when an event arrives. The table at the end is the index."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.effects import Effect
from libs.common.errors import LecternError
from libs.common.events import (
    AudiobookFailed,
    AudiobookRequested,
    AudioDeleted,
    AudioFailed,
    AudioRequested,
    DocumentDeleted,
)
from libs.common.jobs import CancelJobs, NewJob
from libs.common.routes import Route, on
from libs.common.upsert import add_once
from services.synth.tables import deleted_subjects

SPEAK, BIND, ERASE = "speak", "bind", "erase"

ERASE_AGAIN_AFTER_MS = 10 * 60 * 1000
"""A worker that lost its lease may store one more object; the second sweep gets that too."""


class SpeakJob(BaseModel):
    """Speak one page."""

    request: AudioRequested

    @property
    def document_id(self) -> UUID:
        """The document, for ``task.failed``."""
        return self.request.document_id

    @property
    def page(self) -> int:
        """The page, for ``task.failed``."""
        return self.request.page


class BindJob(BaseModel):
    """Make one audiobook."""

    request: AudiobookRequested

    @property
    def document_id(self) -> UUID:
        """The document, for ``task.failed``."""
        return self.request.document_id


class EraseJob(BaseModel):
    """Remove the objects below a prefix."""

    document_id: UUID
    prefix: str


async def audio_requested(event: AudioRequested) -> Sequence[Effect]:
    """Have the page spoken."""
    subject = f"{event.document_id}/{event.audio_id}"
    job = NewJob(SPEAK, SpeakJob(request=event), subject=subject, owner=str(event.owner_id))
    return [_unless_deleted(job, str(event.document_id), subject)]


async def audiobook_requested(event: AudiobookRequested) -> Sequence[Effect]:
    """Have the audiobook made."""
    subject = f"{event.document_id}/{event.audiobook_id}"
    job = NewJob(BIND, BindJob(request=event), subject=subject, owner=str(event.owner_id))
    return [_unless_deleted(job, str(event.document_id))]


async def audio_deleted(event: AudioDeleted) -> Sequence[Effect]:
    """Stop speaking it, and remove what is stored of it."""
    subject = f"{event.document_id}/{event.audio_id}"
    return _erase(event.document_id, subject, f"audio/{subject}/")


async def document_deleted(event: DocumentDeleted) -> Sequence[Effect]:
    """Stop all work on the document, and remove all its audio."""
    subject = str(event.document_id)
    return _erase(event.document_id, subject, f"audio/{subject}/")


def _erase(document_id: UUID, subject: str, prefix: str) -> Sequence[Effect]:
    job = EraseJob(document_id=document_id, prefix=prefix)
    return [
        CancelJobs(subject),
        add_once(deleted_subjects, subject=subject),
        NewJob(ERASE, job, subject=f"erase/{subject}"),
        NewJob(ERASE, job, subject=f"erase/{subject}", delay_ms=ERASE_AGAIN_AFTER_MS),
    ]


def _unless_deleted(job: NewJob, *subjects: str) -> Effect:
    """A deletion may overtake the request: topics know no order between them."""

    async def check(connection: AsyncConnection) -> Sequence[Effect]:
        found = await connection.scalar(
            select(deleted_subjects.c.subject).where(deleted_subjects.c.subject.in_(subjects))
        )
        return [] if found else [job]

    return check


def speech_gave_up(event: AudioRequested, error: LecternError) -> Sequence[Effect]:
    """Tell the one who asked why there is no audio."""
    return [
        AudioFailed(
            document_id=event.document_id,
            audio_id=event.audio_id,
            page=event.page,
            code=error.code,
            reason=str(error),
        )
    ]


def book_gave_up(event: AudiobookRequested, error: LecternError) -> Sequence[Effect]:
    """Tell the one who asked why there is no audiobook."""
    return [
        AudiobookFailed(
            document_id=event.document_id,
            audiobook_id=event.audiobook_id,
            code=error.code,
            reason=str(error),
        )
    ]


def routes() -> list[Route]:
    """Which event goes where."""
    return [
        on(AudioRequested, audio_requested, speech_gave_up),
        on(AudiobookRequested, audiobook_requested, book_gave_up),
        on(AudioDeleted, audio_deleted),
        on(DocumentDeleted, document_deleted),
    ]
