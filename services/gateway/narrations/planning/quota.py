"""How much may be asked for. What exists or will be counts: not what failed or was deleted."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.pages import PageRange
from services.gateway.audio.rows import SpokenAs
from services.gateway.audio.selects import REQUESTED
from services.gateway.audio.tables import audios
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import IS_EXTRACTED, REVISION
from services.gateway.documents.stored.storage_bounds import stored_of_owner
from services.gateway.documents.tables import pages
from services.gateway.kernel.errors import QuotaExceeded
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.narrations.outcomes.page_outcomes import HAS_NOT_FAILED
from services.gateway.narrations.rows import EVERY_PAGE, NarrationRow
from services.gateway.narrations.selects import IS_OPEN, open_narrations_of
from services.gateway.narrations.tables import REFUSED, narrations, page_requests


async def check_quota(
    connection: AsyncConnection,
    limits: GatewayLimits,
    document: DocumentRow,
    asked: Sequence[PageRange] | None,
    spoken_as: SpokenAs,
) -> None:
    """Refuse an order of pages in a sound if there would be too much of the document.

    The caller holds the owner's lock, so that of two orders each sees the other. A page has a
    sound that is there, waits for its turn or, while it is not read yet, was asked for; in however
    many formats.

    Raises:
        QuotaExceeded: Too many narrations are open, there is no room for their audio, or a page
            has as many other sounds as it may.
    """
    await check_orders(connection, limits, document.owner_id)
    stored = await stored_of_owner(connection, document.owner_id)
    stored.check_room(limits)
    being_made = await open_narrations_of(connection, [document.document_id])
    most = limits.max_open_narrations_per_document
    if len(being_made) >= most:
        raise QuotaExceeded(
            f"{len(being_made)} narrations of this document are being made, and this site allows"
            f" {most} at a time; wait for one of them."
        )
    chosen = EVERY_PAGE if asked is None else asked
    full = await _full_page(connection, document, chosen, spoken_as, limits.max_audios_per_page)
    if full is None and document.parsed_at is None:
        unread = await _first_unread(connection, document.document_id)
        others = [row for row in being_made if row.spoken_as != spoken_as]
        full = full_page(chosen, others, unread, limits.max_audios_per_page)
    if full is not None:
        page, sounds = full
        raise QuotaExceeded(
            f"Page {page} has {len(sounds)} sounds of its own or asked for, as many as this site"
            f" allows: {', '.join(map(_named, sounds))}. Delete the audio of one of them."
        )


async def open_orders(connection: AsyncConnection, owner_id: UUID) -> int:
    """Count the narrations of an owner's documents that have not ended; an index has no others."""
    mine = select(func.count(type_=Integer)).where(narrations.c.owner_id == str(owner_id), IS_OPEN)
    return await connection.scalar(mine) or 0


async def check_orders(connection: AsyncConnection, limits: GatewayLimits, owner_id: UUID) -> None:
    """Refuse an order of whoever has as many open as one may have.

    Raises:
        QuotaExceeded: There are as many.
    """
    most = limits.max_open_narrations_per_owner
    if most and await open_orders(connection, owner_id) >= most:
        raise QuotaExceeded(
            f"{most:,} narrations of yours are being made, as many as this site allows at a time;"
            " wait for one of them."
        )


def full_page(
    asked: Sequence[PageRange], others: Iterable[NarrationRow], unread: int, most: int
) -> tuple[int, list[SpokenAs]] | None:
    """Return the first page of ``asked``, from ``unread`` on, that has ``most`` sounds.

    Pages are passed in their order, from one end of a range to the next: it takes as long as there
    are ranges, however many pages they have.
    """
    ranges: list[tuple[SpokenAs | None, PageRange]] = [(None, run) for run in asked]
    ranges += [(row.spoken_as, run) for row in others for run in row.pages or EVERY_PAGE]
    ends: list[tuple[int, int, SpokenAs | None]] = []
    for sound, run in ranges:
        if run.last >= unread:
            ends += [(max(run.first, unread), 1, sound), (run.last + 1, -1, sound)]
    open_ranges: Counter[SpokenAs | None] = Counter()
    for page, at_page in groupby(sorted(ends, key=itemgetter(0)), key=itemgetter(0)):
        for _, change, sound in at_page:
            open_ranges[sound] += change
            if not open_ranges[sound]:
                del open_ranges[sound]
        sounds = [sound for sound in open_ranges if sound is not None]
        if None in open_ranges and len(sounds) >= most:
            return page, sorted(sounds)
    return None


async def _full_page(
    connection: AsyncConnection,
    document: DocumentRow,
    asked: Sequence[PageRange],
    spoken_as: SpokenAs,
    most: int,
) -> tuple[int, list[SpokenAs]] | None:
    """Return the first page of ``asked`` that has ``most`` other sounds, of those that are read."""
    engine, voice, rate = spoken_as
    of = {"document": str(document.document_id)}
    values = {**of, "engine": engine, "voice": voice, "rate": rate, "most": most}
    # Compared here: more ranges may be asked for than SQLite takes conditions.
    page = first_in(asked, list(await connection.scalars(_FULL_PAGES, values)))
    if page is None:
        return None
    rows = await connection.execute(_SOUNDS_OF_PAGE, {**of, "page": page})
    return page, [sound for row in rows if (sound := (row[0], row[1], row[2])) != spoken_as]


def first_in(ranges: Sequence[PageRange], numbers: Sequence[int]) -> int | None:
    """Return the first of ascending ``numbers`` that lies in one of ascending ``ranges``."""
    for run in ranges:
        place = bisect_left(numbers, run.first)
        if place < len(numbers) and numbers[place] <= run.last:
            return numbers[place]
    return None


async def _first_unread(connection: AsyncConnection, document_id: UUID) -> int:
    """Return the first page that is not read yet: they are read in their order."""
    return (await connection.scalar(_LAST_READ, {"document": str(document_id)}) or 0) + 1


def _named(sound: SpokenAs) -> str:
    engine, voice, rate = sound
    return f"{engine} {voice} at rate {rate:g}"


_SPOKEN = (
    select(audios.c.page, audios.c.engine, audios.c.voice, audios.c.rate)
    .join(pages, (pages.c.document_id == audios.c.document_id) & (pages.c.page == audios.c.page))
    .where(
        audios.c.document_id == bindparam("document"),
        audios.c.revision == REVISION,
        REQUESTED,
        HAS_NOT_FAILED,
    )
)
"""How each page's current text is spoken or being spoken."""

_WAITING = (
    select(page_requests.c.page, narrations.c.engine, narrations.c.voice, narrations.c.rate)
    .join(narrations, narrations.c.narration_id == page_requests.c.narration_id)
    .where(page_requests.c.document_id == bindparam("document"), page_requests.c.state != REFUSED)
)
"""How pages still wait to be spoken."""

_SOUNDS = union(_SPOKEN, _WAITING).subquery()
_SOUND = (_SOUNDS.c.engine, _SOUNDS.c.voice, _SOUNDS.c.rate)
_SOUNDS_OF_PAGE = select(*_SOUND).where(_SOUNDS.c.page == bindparam("page")).order_by(*_SOUND)
_FULL_PAGES = (
    select(_SOUNDS.c.page)
    .where(
        or_(
            _SOUNDS.c.engine != bindparam("engine"),
            _SOUNDS.c.voice != bindparam("voice"),
            _SOUNDS.c.rate != bindparam("rate"),
        )
    )
    .group_by(_SOUNDS.c.page)
    .having(func.count() >= bindparam("most", type_=Integer()))
    .order_by(_SOUNDS.c.page)
)
_LAST_READ = select(func.max(pages.c.page)).where(
    pages.c.document_id == bindparam("document"), IS_EXTRACTED
)
