"""A loop that runs beside the rest of a service, and is asked to end before it is made to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)

SHORTEST_PATIENCE_S = 0.1


@asynccontextmanager
async def alongside(
    running: Coroutine[Any, Any, None],
    ask_to_end: Callable[[], None],
    patience_s: float,
    failed: Callable[[], None] = lambda: None,
) -> AsyncIterator[None]:
    """Run a coroutine beside the body; then ask it to end, and cancel it if it takes too long.

    ``failed`` is called as soon as the coroutine raises, which the body would not notice.
    """

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("a loop failed", exc_info=task.exception())
            failed()

    task = asyncio.create_task(running)
    task.add_done_callback(ended)
    try:
        yield
    finally:
        ask_to_end()
        done, _ = await asyncio.wait({task}, timeout=max(SHORTEST_PATIENCE_S, patience_s))
        if not done:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
