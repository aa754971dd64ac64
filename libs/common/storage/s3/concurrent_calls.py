"""Calls that are under way together: so many at a time, and none left behind when one fails."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def all_of(calls: Sequence[Callable[[], Awaitable[T]]], at_most: int) -> list[T]:
    """Run calls, ``at_most`` at once; the first failure is raised when all others have ended."""
    free = asyncio.Semaphore(at_most)

    async def one_by_one(call: Callable[[], Awaitable[T]]) -> T:
        async with free:
            return await call()

    running = [asyncio.ensure_future(one_by_one(call)) for call in calls]
    try:
        return list(await asyncio.gather(*running))
    except BaseException:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        raise


async def settled(sending: set[asyncio.Future[None]], at_most: int) -> set[asyncio.Future[None]]:
    """Wait until at most so many are under way, and return those.

    The first failure is raised; the others are cancelled and awaited by the caller.
    """
    while len(sending) > at_most:
        done, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    return sending
