"""Goes on for an owner: notices that a narration has all its pages, and asks for its audiobook."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import AnyRow
from libs.common.effects import Effect, Together
from libs.common.events import AudiobookRequested, Chapter, ObjectRef
from services.gateway.policy import CURRENT, Policy, decided, lock_owner_of
from services.gateway.tables import (
    IN_FLIGHT,
    audiobooks,
    audios,
    documents,
    narrations,
    pages,
    wanted,
)


async def go_on(connection: AsyncConnection, policy: Policy, owner_id: str) -> Sequence[Effect]:
    """Request the owner's next pages, then what is complete by that in any document of theirs."""
    dispatched = await policy.dispatch(connection, owner_id)
    return [*dispatched.effects, *(Together(complete, each) for each in dispatched.documents)]


async def complete(connection: AsyncConnection, documents: Sequence[str]) -> Sequence[Effect]:
    """Request the audiobooks of all ``documents``; a step that effects share."""
    effects: list[Effect] = []
    for each in dict.fromkeys(documents):
        effects += await request_audiobooks(connection, each)
    return effects


async def request_audiobooks(connection: AsyncConnection, document_id: str) -> Sequence[Effect]:
    """Request the audiobook of every narration of the document that is complete now."""
    await lock_owner_of(connection, document_id)
    effects: list[Effect] = []
    for narration in await _open(connection, document_id):
        effects += await _request_if_complete(connection, narration)
    return effects


async def _open(connection: AsyncConnection, document_id: str) -> Sequence[AnyRow]:
    """Narrations that want an audiobook, have none, and wait for no page."""
    has_book = exists().where(audiobooks.c.narration_id == narrations.c.narration_id)
    waits = exists().where(wanted.c.narration_id == narrations.c.narration_id)
    speaking = exists().where(audios.c.document_id == document_id, IN_FLIGHT)
    found = await connection.execute(
        select(narrations)
        .where(narrations.c.document_id == document_id, narrations.c.audiobook.is_not(None))
        .where(~has_book, ~waits, ~speaking)
    )
    return found.all()


async def _request_if_complete(connection: AsyncConnection, narration: AnyRow) -> Sequence[Effect]:
    document = (
        await connection.execute(
            select(documents).where(
                documents.c.document_id == narration.document_id,
                documents.c.parsed_at.is_not(None),
                documents.c.deleted_at.is_(None),
            )
        )
    ).first()
    if document is None:
        return []
    everything = range(1, document.page_count + 1)
    selected = set(everything).intersection(narration.pages or everything)
    speakable = await _speakable(connection, narration, selected)
    if speakable is None:
        return []
    ready = await _ready(connection, narration)
    if not speakable or not speakable <= ready.keys():
        return []
    order = sorted(speakable)
    return decided(_request(narration, document, order, [ready[page] for page in order]))


async def _speakable(
    connection: AsyncConnection, narration: AnyRow, selected: set[int]
) -> set[int] | None:
    """Pages of ``selected`` with something to speak; None when some are not cut yet."""
    found = await connection.execute(
        select(pages.c.page, pages.c.utterances).where(
            pages.c.document_id == narration.document_id, CURRENT
        )
    )
    cut = {page: utterances for page, utterances in found if page in selected}
    if cut.keys() != selected:
        return None
    return {page for page, utterances in cut.items() if utterances}


async def _ready(connection: AsyncConnection, narration: AnyRow) -> dict[int, str]:
    """The newest current audio of each page, as the narration asked for it."""
    needed = "m4a" if narration.audiobook == "m4b" else narration.audiobook
    found = await connection.execute(
        select(audios.c.page, audios.c.audio_id, audios.c.formats)
        .join(
            pages, (pages.c.document_id == audios.c.document_id) & (pages.c.page == audios.c.page)
        )
        .where(
            audios.c.document_id == narration.document_id,
            audios.c.engine == narration.engine,
            audios.c.voice == narration.voice,
            audios.c.rate == narration.rate,
            audios.c.revision == func.coalesce(pages.c.edited_revision, 0),
            audios.c.ready_at.is_not(None),
            audios.c.deleted_at.is_(None),
        )
        .order_by(audios.c.ready_at)
    )
    return {page: audio_id for page, audio_id, formats in found if needed in formats}


def _request(
    narration: AnyRow, document: AnyRow, order: list[int], audio_ids: list[str]
) -> AudiobookRequested:
    return AudiobookRequested(
        document_id=UUID(narration.document_id),
        audiobook_id=uuid4(),
        narration_id=UUID(narration.narration_id),
        owner_id=UUID(narration.owner_id),
        requested_by=UUID(narration.requested_by),
        audio_ids=tuple(map(UUID, audio_ids)),
        first_pages=tuple(order),
        format=narration.audiobook,
        title=document.given_title or document.found_title or "Untitled",
        author=document.author,
        language=document.language or "und",
        chapters=tuple(Chapter.model_validate(each) for each in document.chapters or ()),
        cover=ObjectRef.model_validate(document.cover) if document.cover else None,
    )
