"""A loop that runs beside the rest of a service, and is asked to end before it is made to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

SHORTEST_PATIENCE_S = 0.1


@asynccontextmanager
async def alongside(
    running: Coroutine[Any, Any, None], ask_to_end: Callable[[], None], patience_s: float
) -> AsyncIterator[None]:
    """Run a coroutine beside the body; then ask it to end, and cancel it if it takes too long."""
    task = asyncio.ensure_future(running)
    try:
        yield
    finally:
        ask_to_end()
        done, _ = await asyncio.wait({task}, timeout=max(SHORTEST_PATIENCE_S, patience_s))
        if not done:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
