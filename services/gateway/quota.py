"""How much a page may be spoken. Only what exists counts: not what failed or was deleted."""

from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.problems import QuotaExceeded
from services.gateway.tables import audios, pages


async def check_audio_quota(
    connection: AsyncConnection,
    document_id: UUID,
    wanted_pages: tuple[int, ...] | None,
    sound: tuple[str, str, float],
    limit: int,
) -> None:
    """Refuse a new (engine, voice, rate) for pages that have ``limit`` other ones already.

    Raises:
        QuotaExceeded: It names the first such page.
    """
    live = (
        select(audios.c.page)
        .join(
            pages, (pages.c.document_id == audios.c.document_id) & (pages.c.page == audios.c.page)
        )
        .where(
            audios.c.document_id == str(document_id),
            audios.c.revision == func.coalesce(pages.c.edited_revision, 0),
            audios.c.failed_at.is_(None),
            audios.c.deleted_at.is_(None),
            tuple_(audios.c.engine, audios.c.voice, audios.c.rate) != sound,
        )
        .group_by(audios.c.page)
        .having(func.count() >= limit)
        .order_by(audios.c.page)
    )
    if wanted_pages is not None:
        live = live.where(audios.c.page.in_(wanted_pages))
    page = await connection.scalar(live.limit(1))
    if page is not None:
        raise QuotaExceeded(
            f"Page {page} has {limit} audios, as many as this site allows; delete one of them."
        )
