"""Notices that a narration has all its pages, and asks for its audiobook."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.store.effects import Effect
from services.gateway.audio.selects import audios_of
from services.gateway.documents.selects import existing_document, owners_of, pages_of
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.planning.decide import decide_audiobook
from services.gateway.narrations.selects import narrations_without_audiobook


def complete(kernel: Kernel, documents: Iterable[UUID]) -> list[Effect]:
    """Return the effects that request what is complete of ``documents``."""
    return [kernel.together(request_complete_audiobooks, document) for document in documents]


async def request_complete_audiobooks(
    kernel: Kernel, connection: AsyncConnection, documents: Sequence[UUID]
) -> Sequence[Effect]:
    """Request the audiobook of every narration that is complete now."""
    effects: list[Effect] = []
    for document_id in dict.fromkeys(documents):
        effects += await _of_document(kernel, connection, document_id)
    return effects


async def _of_document(
    kernel: Kernel, connection: AsyncConnection, document_id: UUID
) -> Sequence[Effect]:
    for owner in await owners_of(connection, [document_id]):
        await lock_owner(connection, owner)
    narrations = await narrations_without_audiobook(connection, document_id)
    document = await existing_document(connection, document_id) if narrations else None
    if document is None or document.parsed_at is None:
        return []
    pages = {page.page: page for page in await pages_of(connection, document_id)}
    audios = await audios_of(connection, document_id)
    decided = (decide_audiobook(narration, document, pages, audios) for narration in narrations)
    return kernel.record(*(event for event in decided if event is not None))
