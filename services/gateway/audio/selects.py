"""Typed rows of audios, audiobooks and voices, read from their tables."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Table,
    and_,
    bindparam,
    exists,
    func,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among, among_given
from services.gateway.audio.renditions import one_per_sound
from services.gateway.audio.rows import (
    AudiobookRow,
    AudioFilesRow,
    AudioRow,
    EngineRow,
    WantedAudios,
)
from services.gateway.audio.tables import IN_FLIGHT, audiobooks, audios, voices
from services.gateway.documents.selects import EXISTS, REVISION, look_in_vain, names
from services.gateway.documents.tables import document_details, documents, pages
from services.gateway.kernel.cursors import no_such_place
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.rows import RowReader


def _with_reasons(table: Table) -> dict[str, Any]:
    """Return how to read why something failed: as its maker said, else as who waited for it."""
    failed, given_up = document_details.alias("failed"), document_details.alias("given_up")
    return {
        "joined": table.outerjoin(failed, names(table, table.c.failed_key, failed)).outerjoin(
            given_up, names(table, table.c.given_up_key, given_up)
        ),
        "failed_code": func.coalesce(table.c.failed_code, table.c.given_up_code),
        "failed_reason": func.coalesce(failed.c.reason, given_up.c.reason),
    }


AUDIOS = RowReader(AudioRow, audios, **_with_reasons(audios))
AUDIO_FILES = RowReader(AudioFilesRow, audios, **_with_reasons(audios))
AUDIOBOOKS = RowReader(AudiobookRow, audiobooks, **_with_reasons(audiobooks))
ENGINES = RowReader(EngineRow, voices)

_BY_NAME = ENGINES.select().order_by(voices.c.engine)
_BOOKS_OF = AUDIOBOOKS.select().where(
    among_given(audiobooks.c.narration_id, "chosen"), audiobooks.c.requested_at.is_not(None)
)
_IN_FLIGHT = (
    select(func.count(type_=Integer))
    .select_from(audios)
    .where(
        audios.c.owner_id == bindparam("owner"),
        IN_FLIGHT,
        exists().where(documents.c.document_id == audios.c.document_id, EXISTS),
    )
)

BOOK_EXISTS = audiobooks.c.requested_at.is_not(None) & audiobooks.c.deleted_at.is_(None)
"""The audiobook was requested, as far as is known here, and not deleted."""

_BOOKS_OF_DOCUMENT = (
    AUDIOBOOKS.select()
    .where(audiobooks.c.document_id == bindparam("document"), BOOK_EXISTS)
    .order_by(audiobooks.c.requested_at.desc(), audiobooks.c.audiobook_id.desc())
    .limit(bindparam("limit", type_=Integer()))
)
_SOUND_OF_PAGE = (
    audios.c.page,
    audios.c.revision,
    audios.c.engine,
    audios.c.voice,
    audios.c.rate,
)
REQUESTED = audios.c.requested_at.is_not(None) & audios.c.deleted_at.is_(None)
"""The audio was requested, as far as is known here, and not deleted."""


async def audios_of_pages(
    connection: AsyncConnection, document_id: UUID, numbers: Collection[int]
) -> list[AudioRow]:
    """Return the audios of some pages of a document, by page and age."""
    wanted = (
        AUDIOS.select()
        .where(
            audios.c.document_id == str(document_id),
            among(audios.c.page, numbers),
            REQUESTED,
        )
        .order_by(audios.c.page, audios.c.requested_at)
    )
    return await AUDIOS.all(connection, wanted)


async def audios_of(connection: AsyncConnection, document_id: UUID) -> list[AudioRow]:
    """Return the audios of a document, by page and age."""
    wanted = (
        AUDIOS.select()
        .where(audios.c.document_id == str(document_id), REQUESTED)
        .order_by(audios.c.page, audios.c.requested_at)
    )
    return await AUDIOS.all(connection, wanted)


async def audio_files(
    connection: AsyncConnection, *which: ColumnElement[bool]
) -> list[AudioFilesRow]:
    """Return audios with their files, oldest first."""
    wanted = (
        AUDIO_FILES.select()
        .where(REQUESTED, *which)
        .order_by(audios.c.requested_at, audios.c.audio_id)
    )
    return await AUDIO_FILES.all(connection, wanted)


async def audios_alike(connection: AsyncConnection, audio_id: UUID) -> list[AudioFilesRow]:
    """Return an audio and the others of its page, revision and sound, oldest first.

    Raises:
        NotFound: There is none.
    """
    known = audios.alias()
    same = and_(
        *(
            audios.c[name] == known.c[name]
            for name in ("document_id", "page", "revision", "engine", "voice", "rate")
        )
    )
    this = exists().where(
        known.c.audio_id == str(audio_id),
        known.c.requested_at.is_not(None),
        known.c.deleted_at.is_(None),
        same,
    )
    found = await audio_files(
        connection, audios.c.document_id == _document_of(audio_id), audios.c.page > 0, this
    )
    if not found:
        await look_in_vain(connection)
        raise NotFound("audio")
    return found


def _document_of(audio_id: UUID) -> ScalarSelect[str]:
    known = audios.alias()
    wanted = select(known.c.document_id).where(known.c.audio_id == str(audio_id))
    return wanted.scalar_subquery()


def is_current() -> ColumnElement[bool]:
    """Whether an audio is of its page's text as it is now."""
    return exists().where(
        pages.c.document_id == audios.c.document_id,
        pages.c.page == audios.c.page,
        audios.c.revision == REVISION,
    )


async def audio_row(connection: AsyncConnection, audio_id: UUID) -> AudioFilesRow:
    """Return an audio with its files, in all formats in which its page has that sound.

    Raises:
        NotFound: There is none.
    """
    (row,) = one_per_sound(await audios_alike(connection, audio_id))
    return row


async def audiobooks_for(connection: AsyncConnection, ids: Collection[UUID]) -> list[AudiobookRow]:
    """Return the audiobooks of narrations that were requested."""
    chosen = [str(narration_id) for narration_id in ids]
    return await AUDIOBOOKS.all(connection, _BOOKS_OF, {"chosen": chosen})


async def audiobooks_of(
    connection: AsyncConnection, document_id: UUID, limit: int, after: tuple[str, str] | None
) -> list[AudiobookRow]:
    """Return at most ``limit`` audiobooks of a document, newest first, from behind ``after``.

    ``after`` is a place as cursors have it: when one was requested, and its id.
    """
    wanted, asked = _BOOKS_OF_DOCUMENT, {"document": str(document_id), "limit": limit}
    if after is not None:
        place = tuple_(audiobooks.c.requested_at, audiobooks.c.audiobook_id)
        wanted = wanted.where(place < after)
    return await AUDIOBOOKS.all(connection, wanted, asked)


async def audio_files_behind(
    connection: AsyncConnection, wanted: WantedAudios, limit: int
) -> list[AudioFilesRow]:
    """Return at most ``limit`` audios of a document by page and sound, those alike together.

    They are those behind all that are like ``wanted.after``.

    Raises:
        Rejected: ``wanted.after`` is no audio of the document.
    """
    document = audios.c.document_id == str(wanted.document_id)
    conditions = [document, REQUESTED]
    if wanted.after is not None:
        this = audios.c.audio_id == str(wanted.after)
        found = await connection.execute(select(*_SOUND_OF_PAGE).where(document, this))
        place = found.first()
        if place is None or None in place:
            raise no_such_place()
        conditions.append(tuple_(*_SOUND_OF_PAGE) > tuple(place))
    chosen = {"page": wanted.page, "engine": wanted.engine, "voice": wanted.voice}
    conditions += [audios.c[name] == value for name, value in chosen.items() if value is not None]
    rows = (
        AUDIO_FILES.select()
        .where(*conditions)
        .order_by(*_SOUND_OF_PAGE, audios.c.requested_at, audios.c.audio_id)
        .limit(limit)
    )
    return await AUDIO_FILES.all(connection, rows)


async def audiobook_row(connection: AsyncConnection, audiobook_id: UUID) -> AudiobookRow:
    """Return an audiobook.

    Raises:
        NotFound: There is none.
    """
    this = audiobooks.c.audiobook_id == str(audiobook_id)
    wanted = AUDIOBOOKS.select().where(this, BOOK_EXISTS)
    row = await AUDIOBOOKS.one(connection, wanted)
    if row is None:
        await look_in_vain(connection)
        raise NotFound("audiobook")
    return row


async def engines(connection: AsyncConnection) -> Sequence[EngineRow]:
    """Return the engines that have announced themselves, by name."""
    return await ENGINES.all(connection, _BY_NAME)


async def pages_in_flight(connection: AsyncConnection, owner_id: UUID) -> int:
    """Count the owner's pages that are being spoken; nobody speaks those of a deleted document."""
    return await connection.scalar(_IN_FLIGHT, {"owner": str(owner_id)}) or 0
