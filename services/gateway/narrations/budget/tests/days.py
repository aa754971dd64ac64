"""A gateway of which an owner may have so many characters spoken on a day, and its clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from libs.common.store.tables import jobs
from services.gateway.narrations.budget import daily_characters as counted
from services.gateway.narrations.jobs import RESUME_DISPATCH
from services.gateway.narrations.tables import daily_characters


class Clock:
    """A clock that goes on, and can be put forward to the next day."""

    def __init__(self, monkeypatch):
        self.days = 0
        monkeypatch.setattr(counted, "utc_now", self.now)

    def now(self):
        return datetime.now(UTC) + timedelta(days=self.days)

    def next_day(self):
        self.days += 1

    @property
    def today(self):
        return self.now().date().isoformat()

    @property
    def tomorrow(self):
        following = self.now().date() + timedelta(days=1)
        return f"{following.isoformat()}T00:00:00.000000Z"


async def waiting_jobs(world):
    """The jobs that go on with what waits: payload of each."""
    mine = select(jobs.c.subject).where(jobs.c.kind == RESUME_DISPATCH.name)
    return [row.subject for row in await world.database.fetch(mine)]


async def resume(world):
    """Have it be time for these jobs."""
    async with world.database.transaction() as connection:
        due = update(jobs).where(jobs.c.kind == RESUME_DISPATCH.name).values(run_at_ms=0)
        await connection.execute(due)
    await world.work()


async def counts(world):
    """What was counted, by owner and day."""
    found = await world.database.fetch(select(daily_characters))
    return {(row.owner_id, row.day): row.characters for row in found}


def restart(world, **limits):
    """Have other limits, as after a restart."""
    object.__setattr__(world.kernel, "limits", replace(world.kernel.limits, **limits))
    object.__setattr__(world.narration_queries, "limits", world.kernel.limits)
