"""How much work there is, at a cost that does not depend on it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import bindparam, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.store.jobs.due import IS_DUE
from libs.common.store.tables import IS_RUNNING, READY, SUSPECT, WAITING, job_queues, jobs, now_ms


@dataclass(frozen=True)
class JobCounts:
    """``ready`` are due and held by nobody; ``oldest_s`` says for how long the first of a kind is.

    It is 0 for a kind without such jobs.
    """

    ready: float
    running: float
    oldest_s: Mapping[str, float]

    @classmethod
    def unknown(cls, kinds: Sequence[str]) -> Self:
        """Return no numbers, for when nobody can tell."""
        return cls(math.nan, math.nan, dict.fromkeys(kinds, math.nan))


_IN_QUEUES = select(func.coalesce(func.sum(job_queues.c.ready), 0))
_BESIDES = union_all(
    select(func.count()).select_from(jobs).where(IS_DUE),
    select(func.count()).select_from(jobs).where(jobs.c.status == SUSPECT),
)
_RUNNING = select(func.count()).select_from(jobs).where(IS_RUNNING)
_OLDEST = union_all(
    *(
        select(now_ms() - func.min(jobs.c.run_at_ms)).where(
            jobs.c.status == status, jobs.c.kind == bindparam("of_kind")
        )
        for status in (READY, WAITING, SUSPECT)
    )
)


async def counts(connection: AsyncConnection, kinds: Sequence[str]) -> JobCounts:
    """Count the jobs that are due, and those that run.

    The queues are summed up: a million jobs of ten owners are ten rows. Only what became due since
    a worker looked last, and suspects, are counted one by one.
    """
    queued = int(await connection.scalar(_IN_QUEUES) or 0)
    besides = await connection.scalars(_BESIDES, {"kinds": list(kinds)})
    return JobCounts(
        ready=queued + sum(besides),
        running=int(await connection.scalar(_RUNNING) or 0),
        oldest_s={kind: await _oldest_s(connection, kind) for kind in kinds},
    )


async def _oldest_s(connection: AsyncConnection, kind: str) -> float:
    ages = await connection.scalars(_OLDEST, {"of_kind": kind})
    return max([0, *(age for age in ages if age is not None)]) / 1000
