"""Waiting for what a Lectern does by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 120.0
LOOK_EVERY_S = 0.05


async def until(look: Callable[[], Awaitable[T]], what: str) -> T:
    """Return what ``look`` finds, once that is anything; ``what`` it is says a failure."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := await look()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(LOOK_EVERY_S)
    return found


def block_until(look: Callable[[], object], what: str) -> None:
    """Return once ``look`` finds anything; nothing else of this thread goes on meanwhile."""
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(LOOK_EVERY_S)
