"""The service's database and storage as tests see them, and the loops around handlers and jobs."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update

from libs.common.contracts.base import Event
from libs.common.database.engine import Database
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import JobRoute
from libs.common.processing.worker import Worker
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import Effect, apply
from libs.common.store.event_store import restore
from libs.common.store.tables import events, jobs, now_ms
from services.notifier.deliveries.batching import DeliverySchedule
from services.notifier.deliveries.rows import DeliveryRow
from services.notifier.handlers import Notifier
from services.notifier.installation_secret import InstallationSecret
from services.notifier.notices import Target, Told
from services.notifier.recipients import Recipients
from services.notifier.tables import deliveries
from services.notifier.tests.samples import SCHEDULE


class World:
    """The service's database and storage, seen from outside."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.storage = MemoryStorage()
        self.secret = InstallationSecret(database)

    async def apply(self, effects: Sequence[Effect]) -> None:
        async with self.database.transaction() as connection:
            await apply(connection, effects, None)

    async def rows(self, table: Any) -> list[Any]:
        async with self.database.reading() as connection:
            key = next(iter(table.primary_key.columns))
            return list((await connection.execute(select(table).order_by(key))).all())

    async def tell(
        self,
        *events: Told,
        targets: Sequence[Target],
        schedule: DeliverySchedule = SCHEDULE,
    ) -> None:
        """Have the handler record what its targets are told of the events."""
        notifier = Notifier(
            targets=targets,
            schedule=schedule,
            max_age=timedelta(days=7),
            secret=self.secret,
            recipients=Recipients(self.storage),
        )
        for event in events:
            await self.apply(await notifier.tell(event))

    async def deliveries(self) -> list[DeliveryRow]:
        return [DeliveryRow.of(row._mapping) for row in await self.rows(deliveries)]

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
        worker = Worker(
            database=self.database,
            storage=self.storage,
            service="notifier",
            routes=routes,
            metrics=Metrics("notifier"),
            lease_ms=30_000,
            poll_interval_s=1.0,
        )
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
                    or_(jobs.c.status == "running", jobs.c.run_at_ms <= now_ms())
                )
            )
        return found is not None
