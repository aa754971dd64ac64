"""Chunks of history, folded: the next ones are being folded while one is written."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from libs.common.database.engine import Database
from services.gateway.rebuilding.folding import Batch, Folding
from services.gateway.rebuilding.past_events import Bound, Position, Sources, Stored, next_chunk


class Folder(Protocol):
    """Folds chunks."""

    @property
    def ahead(self) -> int:
        """How many chunks at a time."""
        ...

    async def batches(self, events: Sequence[Stored]) -> list[Batch]:
        """Return what ``events`` write."""
        ...


@dataclass(frozen=True)
class FoldingHere:
    """Folds in this process."""

    folding: Folding
    ahead: int = 1

    async def batches(self, events: Sequence[Stored]) -> list[Batch]:
        """Return what ``events`` write."""
        return self.folding.batches(events)


class FoldedChunk(NamedTuple):
    """What so many ``events`` write, and the position behind them."""

    batches: list[Batch]
    events: int
    behind: Position


async def folded_chunks(
    database: Database, sources: Sources, folder: Folder, after: Position, until: Bound | None
) -> AsyncGenerator[FoldedChunk, None]:
    """Yield the chunks that follow a position, in their order, up to a bound.

    Raises:
        Unavailable: The database cannot be reached, or a process that folds died.
    """
    folding: deque[tuple[asyncio.Task[list[Batch]], int, Position]] = deque()
    more = True
    try:
        while True:
            while more and len(folding) < folder.ahead:
                async with database.querying() as connection:
                    events, after = await next_chunk(connection, sources, after, until)
                more = bool(events)
                if events:
                    task = asyncio.create_task(folder.batches(events))
                    folding.append((task, len(events), after))
            if not folding:
                return
            task, count, behind = folding.popleft()
            yield FoldedChunk(await task, count, behind)
    finally:
        for task, *_ in folding:
            task.cancel()
