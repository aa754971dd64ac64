"""What synth does when an event arrives. The table at the end is the index."""

from collections.abc import Sequence

from libs.common.contracts.audio import (
    AudiobookDeleted,
    AudiobookRequested,
    AudioDeleted,
    AudioRequested,
)
from libs.common.contracts.documents import DocumentDeleted
from libs.common.processing.erasing import EraseJob, erase, erase_document
from libs.common.processing.routes import Route, on
from libs.common.store.effects import Effect
from libs.common.store.tombstones import unless_deleted
from services.synth.jobs import BIND, SPEAK, audio_failed, audiobook_failed
from services.synth.synthesis.cache.segment_index import remove_document


async def audio_requested(event: AudioRequested) -> Sequence[Effect]:
    """Have the page spoken."""
    subject = f"{event.document_id}/{event.audio_id}"
    job = SPEAK.new(event, subject=subject, owner=str(event.owner_id))
    return [unless_deleted(job, str(event.document_id), subject)]


async def audiobook_requested(event: AudiobookRequested) -> Sequence[Effect]:
    """Have the audiobook made."""
    subject = f"{event.document_id}/{event.audiobook_id}"
    job = BIND.new(event, subject=subject, owner=str(event.owner_id))
    return [unless_deleted(job, str(event.document_id), subject)]


async def audiobook_deleted(event: AudiobookDeleted) -> Sequence[Effect]:
    """Stop making it, and remove its file."""
    erased = EraseJob(
        document_id=event.document_id,
        owner_id=event.owner_id,
        prefix=f"audio/{event.document_id}/books/{event.audiobook_id}.",
    )
    return erase(f"{event.document_id}/{event.audiobook_id}", erased)


async def audio_deleted(event: AudioDeleted) -> Sequence[Effect]:
    """Stop speaking it, and remove what is stored of it."""
    subject = f"{event.document_id}/{event.audio_id}"
    erased = EraseJob(
        document_id=event.document_id, owner_id=event.owner_id, prefix=f"audio/{subject}/"
    )
    return erase(subject, erased)


async def document_deleted(event: DocumentDeleted) -> Sequence[Effect]:
    """Stop all work on the document, and remove all its audio."""
    erased = erase_document(event, f"audio/{event.document_id}/")
    return [*erased, remove_document(event.document_id)]


def routes() -> list[Route]:
    """Which event goes where."""
    return [
        on(AudioRequested, audio_requested, audio_failed),
        on(AudiobookRequested, audiobook_requested, audiobook_failed),
        on(AudiobookDeleted, audiobook_deleted),
        on(AudioDeleted, audio_deleted),
        on(DocumentDeleted, document_deleted),
    ]
