"""Refuses documents of owners who have as many on their way to being read as one may have."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from time import monotonic
from uuid import UUID

from services.gateway.documents.queries import COUNTED_FOR, DocumentQueries
from services.gateway.documents.stored.storage_bounds import stored_of_owner
from services.gateway.http.problems import Refused
from services.gateway.kernel.record import Kernel


@asynccontextmanager
async def room_for_one(kernel: Kernel, owner: UUID, size: int = 0) -> AsyncIterator[None]:
    """Have room for one more document of an owner while the block hands it in.

    It is said to have ``size`` bytes, as far as that is known; what it has counts when it is there.

    Those that this process is being handed count with those that are recorded and not parsed yet,
    and as long: a large file that takes its time keeps nothing else out. Each replica knows of its
    own alone, so that a few more may get in.

    Raises:
        Refused: There is none; it is free again when a document of theirs was read.
        QuotaExceeded: The owner has as many documents or bytes as one may have.
    """
    await _check_storage(kernel, owner, size)
    coming, most = kernel.being_handed_in, kernel.limits.max_unparsed_documents_per_owner
    began = monotonic()
    since = began - COUNTED_FOR.total_seconds()
    others = sum(other > since for other in coming[owner])
    coming[owner].append(began)
    try:
        if others >= most or await _unparsed(kernel, owner) + others >= most:
            detail = f"{most} documents of yours are just being taken in. Try again in a moment."
            status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_documents"
            raise Refused(status, code, detail, headers={"Retry-After": "1"})
        yield
    finally:
        coming[owner].remove(began)
        if not coming[owner]:
            del coming[owner]


async def _unparsed(kernel: Kernel, owner: UUID) -> int:
    most = kernel.limits.max_unparsed_documents_per_owner
    return await DocumentQueries(kernel.database).unparsed(owner, most)


async def _check_storage(kernel: Kernel, owner: UUID, size: int) -> None:
    async with kernel.database.reading() as connection:
        stored = await stored_of_owner(connection, owner)
    stored.check_room(kernel.limits, documents=1, size=size)
