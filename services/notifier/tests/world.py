"""The service's database as a test sees it, and the loops around handlers and jobs."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, or_, select, update

from libs.common.database import Database
from libs.common.effects import Effect, apply
from libs.common.event_store import restore
from libs.common.events import Event
from libs.common.metrics import Metrics
from libs.common.tables import events, jobs, now_ms
from libs.common.worker import JobRoute, Worker
from services.notifier.tables import deliveries


class World:
    """The service's database, seen from outside."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def apply(self, effects: Sequence[Effect]) -> None:
        async with self.database.transaction() as connection:
            await apply(connection, effects, None)

    async def rows(self, table: Any) -> list[Any]:
        async with self.database.reading() as connection:
            key = next(iter(table.primary_key.columns))
            return list((await connection.execute(select(table).order_by(key))).all())

    async def deliveries(self) -> list[Any]:
        return await self.rows(deliveries)

    async def jobs(self) -> list[Any]:
        return await self.rows(jobs)

    async def events(self) -> list[Event]:
        return [
            restore(row.topic, row.body, row.event_id, row.occurred_at)
            for row in await self.rows(events)
        ]

    async def pass_time(self) -> None:
        """Make every waiting job due."""
        async with self.database.transaction() as connection:
            await connection.execute(update(jobs).values(run_at_ms=0))

    async def work(self, routes: Sequence[JobRoute]) -> None:
        """Run the worker until nothing is due."""
        worker = Worker(self.database, "notifier", routes, Metrics("notifier"))
        worker.poll_interval_s = 0.02
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(20):
                while await self._due():
                    await asyncio.sleep(0.02)
        finally:
            worker.drain()
            await running

    async def _due(self) -> bool:
        async with self.database.reading() as connection:
            found = await connection.scalar(
                select(jobs.c.id).where(
                    or_(
                        jobs.c.status == "running",
                        and_(jobs.c.status == "ready", jobs.c.run_at_ms <= now_ms()),
                    )
                )
            )
        return found is not None
