"""Chunks of history, projected: the next ones are while one is written."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from libs.common.database.engine import Database
from services.gateway.rebuilding.past_events import Bound, Position, Sources, Stored, next_chunk
from services.gateway.rebuilding.shadow_projection import Batch, ShadowProjection


class Projector(Protocol):
    """Projects chunks."""

    @property
    def ahead(self) -> int:
        """How many chunks at a time."""
        ...

    async def batches(self, events: Sequence[Stored]) -> list[Batch]:
        """Return what ``events`` write."""
        ...


@dataclass(frozen=True)
class LocalProjector:
    """Projects in this process."""

    projection: ShadowProjection
    ahead: int = 1

    async def batches(self, events: Sequence[Stored]) -> list[Batch]:
        """Return what ``events`` write."""
        return self.projection.batches(events)


class ProjectedChunk(NamedTuple):
    """What so many ``events`` write, and the position behind them."""

    batches: list[Batch]
    events: int
    behind: Position


async def projected_chunks(
    database: Database, sources: Sources, projector: Projector, after: Position, until: Bound | None
) -> AsyncGenerator[ProjectedChunk, None]:
    """Yield the chunks that follow a position, in their order, up to a bound.

    While one is being written, the next ones are projected, and the one after these is read.

    Raises:
        Unavailable: The database cannot be reached, or a process that projects died.
    """
    projecting: deque[tuple[asyncio.Task[list[Batch]], int, Position]] = deque()
    reading = asyncio.create_task(_read(database, sources, after, until))
    more = True
    try:
        while True:
            while more and len(projecting) < projector.ahead:
                events, behind = await reading
                more = bool(events)
                if more:
                    reading = asyncio.create_task(_read(database, sources, behind, until))
                    task = asyncio.create_task(projector.batches(events))
                    projecting.append((task, len(events), behind))
            if not projecting:
                return
            task, count, behind = projecting.popleft()
            yield ProjectedChunk(await task, count, behind)
    finally:
        await _cancel(reading, *(task for task, *_ in projecting))


async def _read(
    database: Database, sources: Sources, after: Position, until: Bound | None
) -> tuple[list[Stored], Position]:
    async with database.querying() as connection:
        return await next_chunk(connection, sources, after, until)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    """End what nobody waits for any more, so that it holds no connection afterwards."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
