"""Counts files when they come and when they go, once each, in whatever order events arrive.

A file that has a row already is not counted again, and what is deleted takes its row along: so the
sums of an owner are always those of the rows, and are right after a deletion that came first.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Delete, Row, Select, delete, func, insert, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import Event
from libs.common.contracts.documents import DocumentDeleted, DocumentSubmitted
from libs.common.database.arrays import among
from libs.common.store.effects import Effect
from services.gateway.documents.selects import EXISTS, names
from services.gateway.documents.stored.tables import owner_storage, stored_files
from services.gateway.documents.tables import document_details, documents
from services.gateway.kernel.record import Kernel, Reaction

_COLUMNS = (stored_files.c.file_id, stored_files.c.document_id, stored_files.c.owner_id)
_COUNTED = (*_COLUMNS, stored_files.c.bytes)


def _adding() -> postgresql.Insert:
    new = postgresql.insert(owner_storage)
    return new.on_conflict_do_update(
        index_elements=[owner_storage.c.owner_id],
        set_={name: owner_storage.c[name] + new.excluded[name] for name in ("documents", "bytes")},
    )


_ADD = _adding()


async def keep_files(connection: AsyncConnection, files: Select[Any]) -> None:
    """Count those of ``files`` that are not counted: rows of file, document, owner and bytes."""
    new = postgresql.insert(stored_files).from_select([column.name for column in _COUNTED], files)
    kept = await connection.execute(new.on_conflict_do_nothing().returning(*_COUNTED))
    await _add(connection, kept.all(), 1)


async def drop_files(connection: AsyncConnection, *which: ColumnElement[bool]) -> None:
    """Count those files no more that are kept."""
    gone: Delete = delete(stored_files).where(*which)
    dropped = await connection.execute(gone.returning(*_COUNTED))
    await _add(connection, dropped.all(), -1)


async def _add(
    connection: AsyncConnection, files: Sequence[Row[str, str, str, int]], sign: int
) -> None:
    """Add to the sums of owners, in one order, so that transactions never wait in a circle."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for file_id, document_id, owner_id, size in files:
        sums[owner_id]["documents"] += sign * (file_id == document_id)
        sums[owner_id]["bytes"] += sign * size
    rows = [{"owner_id": owner, **sums[owner]} for owner in sorted(sums)]
    if rows:
        await connection.execute(_ADD, rows)


def submitted_files() -> Select[Any]:
    """Return the documents that exist as files, with the size of what was handed in."""
    size = document_details.c.body["object"]["size"].as_integer()
    said = names(documents, documents.c.submitted_key, document_details)
    return (
        select(
            documents.c.document_id.label("file_id"),
            documents.c.document_id,
            documents.c.owner_id,
            func.coalesce(size, literal(0)),
        )
        .select_from(documents.outerjoin(document_details, said))
        .where(EXISTS)
    )


async def sum_up(connection: AsyncConnection) -> None:
    """Work out the sums of all owners anew from their files."""
    await connection.execute(delete(owner_storage))
    is_document = func.sum(
        (stored_files.c.file_id == stored_files.c.document_id).cast(owner_storage.c.documents.type)
    )
    summed = select(stored_files.c.owner_id, is_document, func.sum(stored_files.c.bytes))
    by_owner = summed.group_by(stored_files.c.owner_id)
    await connection.execute(insert(owner_storage).from_select([*owner_storage.c.keys()], by_owner))


async def _keep_submitted(
    _kernel: Kernel, connection: AsyncConnection, submitted: Sequence[UUID]
) -> Sequence[Effect]:
    ids = [str(document_id) for document_id in submitted]
    await keep_files(connection, submitted_files().where(among(documents.c.document_id, ids)))
    return []


async def _drop_documents(
    _kernel: Kernel, connection: AsyncConnection, deleted: Sequence[UUID]
) -> Sequence[Effect]:
    ids = [str(document_id) for document_id in deleted]
    await drop_files(connection, among(stored_files.c.document_id, ids))
    return []


def _submitted(kernel: Kernel, event: DocumentSubmitted) -> Sequence[Effect]:
    return [kernel.together(_keep_submitted, event.document_id)]


def forget_files(kernel: Kernel, event: DocumentDeleted) -> Sequence[Effect]:
    """Return the effect of counting nothing of a document any more."""
    return [kernel.together(_drop_documents, event.document_id)]


STORED_REACTIONS: Mapping[type[Event], Reaction] = {DocumentSubmitted: _submitted}
