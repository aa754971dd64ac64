"""Counts the bytes of audios and audiobooks among the files of their owners."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.audio import AudiobookDeleted, AudiobookReady, AudioDeleted, AudioReady
from libs.common.contracts.base import Event
from libs.common.contracts.documents import DocumentDeleted
from libs.common.database.arrays import among
from libs.common.store.effects import Effect
from services.gateway.audio.tables import audiobooks, audios
from services.gateway.documents.selects import EXISTS
from services.gateway.documents.stored.keeping import (
    drop_files,
    forget_files,
    keep_files,
    submitted_files,
    sum_up,
)
from services.gateway.documents.stored.tables import owner_storage, stored_files
from services.gateway.documents.tables import documents
from services.gateway.kernel.record import Derive, Kernel, Reaction


async def derive_files(connection: AsyncConnection) -> None:
    """Work out anew which files are kept, and the sums of all owners."""
    await connection.execute(delete(stored_files))
    names = [*stored_files.c.keys()]
    for files in (submitted_files(), _ready_audios(), _ready_audiobooks()):
        await connection.execute(insert(stored_files).from_select(names, files))
    await sum_up(connection)


def _ready_audios() -> Select[Any]:
    return _ready(audios, "audio_id").where(audios.c.deleted_at.is_(None))


def _ready_audiobooks() -> Select[Any]:
    return _ready(audiobooks, "audiobook_id").where(audiobooks.c.deleted_at.is_(None))


def _ready(table: Table, identity: str) -> Select[Any]:
    """Return what is ready of documents that exist; it belongs to their owners."""
    same = documents.c.document_id == table.c.document_id
    return (
        select(table.c[identity], table.c.document_id, documents.c.owner_id, table.c.bytes)
        .join(documents, same)
        .where(EXISTS, table.c.bytes.is_not(None))
    )


async def _count_audios(
    _kernel: Kernel, connection: AsyncConnection, changed: Sequence[UUID]
) -> Sequence[Effect]:
    """Count anew what is ready and not deleted, whatever was counted of it before."""
    ids = [str(audio_id) for audio_id in changed]
    await drop_files(connection, among(stored_files.c.file_id, ids))
    await keep_files(connection, _ready_audios().where(among(audios.c.audio_id, ids)))
    return []


async def _count_audiobooks(
    _kernel: Kernel, connection: AsyncConnection, ready: Sequence[UUID]
) -> Sequence[Effect]:
    ids = [str(audiobook_id) for audiobook_id in ready]
    await drop_files(connection, among(stored_files.c.file_id, ids))
    await keep_files(connection, _ready_audiobooks().where(among(audiobooks.c.audiobook_id, ids)))
    return []


def _audio_changed(kernel: Kernel, event: AudioReady | AudioDeleted) -> Sequence[Effect]:
    return [kernel.together(_count_audios, event.audio_id)]


def _audiobook_changed(
    kernel: Kernel, event: AudiobookReady | AudiobookDeleted
) -> Sequence[Effect]:
    return [kernel.together(_count_audiobooks, event.audiobook_id)]


AUDIO_REACTIONS: Mapping[type[Event], Reaction] = {
    AudioReady: _audio_changed,
    AudiobookReady: _audiobook_changed,
    AudiobookDeleted: _audiobook_changed,
    AudioDeleted: _audio_changed,
    DocumentDeleted: forget_files,
}

DERIVED_FILES: Mapping[Table, Derive] = {stored_files: derive_files, owner_storage: sum_up}
