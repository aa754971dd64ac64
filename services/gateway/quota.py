"""How much a page may be spoken. What exists or will be counts: not what failed or was deleted."""

from uuid import UUID

from sqlalchemy import Select, func, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.problems import QuotaExceeded
from services.gateway.tables import audios, narrations, pages, wanted


async def check_audio_quota(
    connection: AsyncConnection,
    document_id: UUID,
    wanted_pages: tuple[int, ...] | None,
    sound: tuple[str, str, float],
    limit: int,
) -> None:
    """Refuse a new (engine, voice, rate) for pages that have ``limit`` other ones already.

    A sound counts once, in however many formats, and whether it is there or still waits for its
    turn. The caller holds the owner's lock, so that of two orders at once each sees the other.

    Raises:
        QuotaExceeded: It names the first such page.
    """
    sounds = union(_spoken(document_id), _waiting(document_id)).subquery()
    full = (
        select(sounds.c.page)
        .where(tuple_(sounds.c.engine, sounds.c.voice, sounds.c.rate) != sound)
        .group_by(sounds.c.page)
        .having(func.count() >= limit)
        .order_by(sounds.c.page)
    )
    if wanted_pages is not None:
        full = full.where(sounds.c.page.in_(wanted_pages))
    page = await connection.scalar(full.limit(1))
    if page is not None:
        raise QuotaExceeded(
            f"Page {page} has {limit} audios, as many as this site allows, with those that were"
            " ordered; delete one of them."
        )


def _spoken(document_id: UUID) -> Select[tuple[int, str, str, float]]:
    """The sounds of each page's current text, spoken or being spoken."""
    return (
        select(audios.c.page, audios.c.engine, audios.c.voice, audios.c.rate)
        .join(
            pages, (pages.c.document_id == audios.c.document_id) & (pages.c.page == audios.c.page)
        )
        .where(
            audios.c.document_id == str(document_id),
            audios.c.revision == func.coalesce(pages.c.edited_revision, 0),
            audios.c.failed_at.is_(None),
            audios.c.deleted_at.is_(None),
        )
    )


def _waiting(document_id: UUID) -> Select[tuple[int, str, str, float]]:
    """The sounds that pages still wait for."""
    return (
        select(wanted.c.page, narrations.c.engine, narrations.c.voice, narrations.c.rate)
        .join(narrations, narrations.c.narration_id == wanted.c.narration_id)
        .where(wanted.c.document_id == str(document_id))
    )
