"""Keeps the segments within their limit: packs that were used least recently go first.

There is nothing to do until a pack is added, so whoever adds one beyond the limit records the job.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.engine import Database
from libs.common.processing.job_kind import Job
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.tables import RUNNING, jobs
from services.synth.jobs import EVICT, EvictJob
from services.synth.synthesis.cache import segment_index

SUBJECT = "segment-cache"
PACKS_AT_ONCE = 200
DELETIONS_AT_ONCE = 8
FULL_AGAIN = 0.95
"""What is left of the limit: else the next page would be beyond it again."""


async def evict_beyond(connection: AsyncConnection, total: int, max_bytes: int) -> Sequence[Effect]:
    """Return the job that brings ``total`` below the limit, if it is above and none waits.

    The caller holds the row of the total, so no two can record one at once.
    """
    if total <= max_bytes:
        return []
    waiting = select(jobs.c.id).where(
        jobs.c.subject == SUBJECT, jobs.c.kind == EVICT.name, jobs.c.status != RUNNING
    )
    if await connection.scalar(waiting.limit(1)):
        return []
    return [EVICT.new(EvictJob(), subject=SUBJECT)]


@dataclass(frozen=True)
class Evictor:
    """Does the job; two at once do it together."""

    database: Database
    storage: Storage
    max_bytes: int

    async def evict(self, job: Job[EvictJob]) -> Sequence[Effect]:
        """Remove some packs; what is still too much is left to another job.

        Objects go first: a row without its object counts as missing, an object without a row
        would stay until its document is deleted.
        """
        left = int(self.max_bytes * FULL_AGAIN)
        packs = await segment_index.packs_beyond(self.database, left, PACKS_AT_ONCE)
        for first in range(0, len(packs), DELETIONS_AT_ONCE):
            some = packs[first : first + DELETIONS_AT_ONCE]
            await asyncio.gather(*(self.storage.delete(pack.key) for pack in some))

        async def remove(connection: AsyncConnection) -> Sequence[Effect]:
            ids = [pack.pack_id for pack in packs]
            total = await segment_index.remove_packs(connection, ids)
            return await evict_beyond(connection, total, self.max_bytes)

        return [remove]
