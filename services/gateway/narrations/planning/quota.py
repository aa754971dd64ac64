"""How much a page may be spoken. What exists or will be counts: not what failed or was deleted."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.pages import PageRange, holds
from services.gateway.audio.rows import SpokenAs
from services.gateway.audio.selects import REQUESTED
from services.gateway.audio.tables import audios
from services.gateway.documents.selects import REVISION
from services.gateway.documents.tables import pages
from services.gateway.kernel.errors import QuotaExceeded
from services.gateway.narrations.tables import narrations, page_requests


async def check_audio_quota(
    connection: AsyncConnection,
    document_id: UUID,
    asked_pages: Sequence[PageRange] | None,
    spoken_as: SpokenAs,
    limit: int,
) -> None:
    """Refuse a new (engine, voice, rate) for pages that have ``limit`` other ones already.

    Each of these counts once, in however many formats, and whether it is there or still waits for
    its turn. The caller holds the owner's lock, so that of two requests each sees the other.

    Raises:
        QuotaExceeded: It names the first such page.
    """
    ways = union(_spoken(document_id), _waiting(document_id)).subquery()
    full = (
        select(ways.c.page)
        .where(tuple_(ways.c.engine, ways.c.voice, ways.c.rate) != spoken_as)
        .group_by(ways.c.page)
        .having(func.count() >= limit)
        .order_by(ways.c.page)
    )
    if asked_pages is None:
        full = full.limit(1)
    # Compared here: more pages may be asked for than PostgreSQL takes parameters.
    found = await connection.scalars(full)
    asked = (page for page in found if asked_pages is None or holds(asked_pages, page))
    page = next(asked, None)
    if page is not None:
        raise QuotaExceeded(
            f"Page {page} has {limit} audios, as many as this site allows, with those that"
            " were asked for; delete one of them."
        )


def _spoken(document_id: UUID) -> Select[tuple[int, str, str, float]]:
    """How each page's current text is spoken or being spoken."""
    return (
        select(audios.c.page, audios.c.engine, audios.c.voice, audios.c.rate)
        .join(
            pages, (pages.c.document_id == audios.c.document_id) & (pages.c.page == audios.c.page)
        )
        .where(
            audios.c.document_id == str(document_id),
            audios.c.revision == REVISION,
            REQUESTED,
            audios.c.failed_at.is_(None),
            audios.c.given_up_at.is_(None),
        )
    )


def _waiting(document_id: UUID) -> Select[tuple[int, str, str, float]]:
    """How pages still wait to be spoken."""
    return (
        select(page_requests.c.page, narrations.c.engine, narrations.c.voice, narrations.c.rate)
        .join(narrations, narrations.c.narration_id == page_requests.c.narration_id)
        .where(page_requests.c.document_id == str(document_id))
    )
