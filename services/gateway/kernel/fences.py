"""What has to hold when a transaction commits that was asked for: set around it, checked in it."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncConnection

Fence = Callable[[AsyncConnection], Awaitable[None]]
"""Called at the end of a transaction that has decided events; it raises if that must not commit."""

_FENCE: ContextVar[Fence | None] = ContextVar("fence", default=None)


@contextmanager
def fenced_by(fence: Fence) -> Iterator[None]:
    """Have transactions of the block that decide events checked by ``fence``."""
    token = _FENCE.set(fence)
    try:
        yield
    finally:
        _FENCE.reset(token)


async def pass_fence(connection: AsyncConnection) -> None:
    """Return if the transaction may commit; what the fence raises if not."""
    fence = _FENCE.get()
    if fence is not None:
        await fence(connection)
