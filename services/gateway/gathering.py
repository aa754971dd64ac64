"""Gathers what there is to know of narrations, in few queries however long the document is."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import AnyRow
from services.gateway.progress import Facts, best_audios, narration_view
from services.gateway.tables import audiobooks, audios, narrations, pages, wanted
from services.gateway.views import NarrationView

# What is looked at often, of many rows: no references.
CUTTING = (
    pages.c.page,
    pages.c.extracted_characters,
    pages.c.edited_revision,
    pages.c.segments_revision,
    pages.c.segments_characters,
    pages.c.utterances,
    pages.c.failed_code,
    pages.c.failed_reason,
)
SPEAKING = (
    audios.c.audio_id,
    audios.c.page,
    audios.c.revision,
    audios.c.engine,
    audios.c.voice,
    audios.c.rate,
    audios.c.formats,
    audios.c.requested_at,
    audios.c.duration_ms,
    audios.c.done,
    audios.c.total,
    audios.c.ready_at,
    audios.c.failed_at,
    audios.c.failed_code,
    audios.c.failed_reason,
)


async def read_narrations(
    connection: AsyncConnection, document: AnyRow
) -> tuple[NarrationView, ...]:
    """Return the narrations of a document, newest first."""
    found = await connection.execute(
        select(narrations)
        .where(narrations.c.document_id == document.document_id)
        .order_by(narrations.c.requested_at.desc(), narrations.c.narration_id)
    )
    facts = await gather(connection, document, found.all())
    return tuple(map(narration_view, facts))


async def gather(
    connection: AsyncConnection, document: AnyRow, chosen: Sequence[AnyRow]
) -> list[Facts]:
    """Return what there is to know of narrations of ``document``, in their order."""
    if not chosen:
        return []
    of = document.document_id
    page_rows = await connection.execute(select(*CUTTING).where(pages.c.document_id == of))
    by_page = {row.page: row for row in page_rows}
    spoken = await connection.execute(
        select(*SPEAKING).where(
            audios.c.document_id == of,
            audios.c.requested_at.is_not(None),
            audios.c.deleted_at.is_(None),
        )
    )
    spoken_rows = spoken.all()
    books = await connection.execute(select(audiobooks).where(audiobooks.c.document_id == of))
    by_narration = {row.narration_id: row for row in books if row.requested_at is not None}
    turns: dict[str, set[int]] = {}
    queue = select(wanted.c.narration_id, wanted.c.page).where(wanted.c.document_id == of)
    for narration_id, page in await connection.execute(queue):
        turns.setdefault(narration_id, set()).add(page)
    return [
        Facts(
            each,
            document,
            by_page,
            best_audios(each, by_page, spoken_rows),
            turns.get(each.narration_id, set()),
            by_narration.get(each.narration_id),
        )
        for each in chosen
    ]
