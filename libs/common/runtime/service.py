"""One service, from start to drain: what is around the handlers and jobs, written once.

    start   database -> resources -> HTTP -> broker, topics -> relay, consumer, workers
    stop    not ready -> consumer -> workers drain -> relay sends the rest -> HTTP -> resources

Services start in any order: whatever is not there yet is waited for, and readiness says what.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from libs.common.backoff import OUTAGE_CAP_S, delay_s
from libs.common.errors import LecternError, Unavailable
from libs.common.kafka.broker import Clients
from libs.common.kafka.pausing import PausedPartitions
from libs.common.kafka.sender import Sender
from libs.common.observability.metrics_page import MeasuredRequests, metrics_route
from libs.common.observability.telemetry import configure
from libs.common.processing.capacity.backpressure import Backpressure
from libs.common.processing.capacity.isolation import Isolation
from libs.common.runtime.condition import Condition
from libs.common.runtime.http_server import HttpServer, limits_of
from libs.common.runtime.loop_errors import log_loop_error
from libs.common.runtime.service_parts import ServiceParts
from libs.common.runtime.working import working
from libs.common.store.migrate import upgrade
from libs.common.store.tables import events

log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class Service:
    """A service that runs, alone in its process or beside others."""

    parts: ServiceParts
    migrate: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    clients: Clients = field(default_factory=Clients)
    isolation: Isolation = field(default_factory=Isolation)
    backpressure: Backpressure = field(default_factory=Backpressure)

    def __post_init__(self) -> None:
        self.failed = False
        self._sender = Sender(partial(self.clients.producer, self.parts.common))
        self._paused = PausedPartitions(self.parts.metrics)
        self._condition = Condition(self.parts, self._sender, self._paused)
        self._stack = AsyncExitStack()
        self._background: asyncio.Task[None] | None = None

    @property
    def ready(self) -> asyncio.Event:
        """Set once all that the service needs was there, and it works."""
        return self._condition.ready

    @property
    def hindrance(self) -> LecternError:
        """Why it is not ready."""
        return self._condition.hindrance

    @property
    def port(self) -> int:
        """The port that the service's HTTP pages are on."""
        return self._http.port

    @property
    def metrics_port(self) -> int:
        """The port that its metrics are on."""
        return self._metrics.port

    async def start(self) -> None:
        """Bring the service up as far as its dependencies allow; the rest follows by itself."""
        parts = self.parts
        self._telemetry = configure(parts.name, parts.common, parts.settings)
        asyncio.get_running_loop().set_exception_handler(log_loop_error)
        health = self._condition.health.routes()
        metrics = metrics_route(parts.metrics, self._condition.refresh_gauges)
        if parts.common.metrics_port is None:
            self._http = await self._serve(parts.settings.http_port, [*health, metrics])
            self._metrics = self._http
        else:
            self._http = await self._serve(parts.settings.http_port, health)
            self._metrics = await self._serve(parts.common.metrics_port, [metrics], ours=False)
        self._background = asyncio.create_task(self._come_up(), name=f"{parts.name} start")
        self._background.add_done_callback(self._died)

    async def _serve(
        self, port: int, routes: Sequence[BaseRoute], *, ours: bool = True
    ) -> HttpServer:
        """Serve ``routes`` on a port, before those of the service if it is ``ours``."""
        parts = self.parts
        served = [*routes, *(parts.http_routes if ours else ())]
        app = MeasuredRequests(Starlette(routes=served), parts.metrics)
        server = HttpServer(app, parts.common.bind_host, port, limits=limits_of(parts.common))
        await server.start()
        self._stack.push_async_callback(server.stop)
        return server

    async def stop(self) -> None:
        """Drain and stop; work that does not end in time is given back."""
        self._condition.health.drain()
        self.stopping.set()
        if self._background is not None:
            self._background.cancel()
            await asyncio.wait({self._background})  # if it failed, _died() has told so
        await self._stack.aclose()
        await self.parts.database.close()
        await self.parts.storage.close()
        await asyncio.to_thread(self._telemetry.close)

    async def run_until_stopped(self) -> int:
        """Run until SIGTERM or SIGINT, or until the service stops itself; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        await self.start()
        await self.stopping.wait()
        await self.stop()
        return 1 if self.failed else 0

    def _fail(self) -> None:
        self.failed = True
        self.stopping.set()

    def _died(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("service failed", service=self.parts.name, exc_info=task.exception())
            self._fail()

    async def _come_up(self) -> None:
        parts = self.parts
        async with AsyncExitStack() as stack:
            await self._until_it_works(self._database_ready)
            for resource in parts.resources:
                await stack.enter_async_context(resource)
            if parts.starting is not None:
                await self._until_it_works(parts.starting)
            if parts.works:
                await self._begin_work(stack)
            stack.enter_context(self._condition.works())
            log.info("service ready", service=parts.name, port=self.port)
            await asyncio.Event().wait()  # until cancelled by stop()

    async def _begin_work(self, stack: AsyncExitStack) -> None:
        stack.push_async_callback(self._sender.stop)
        await self._until_it_works(self._sender.connect)
        await self._until_it_works(self._condition.topics_ready)
        await stack.enter_async_context(
            working(
                self.parts,
                clients=self.clients,
                sender=self._sender,
                paused=self._paused,
                fail=self._fail,
                isolation=self.isolation,
                backpressure=self.backpressure,
            )
        )

    async def _until_it_works(self, step: Callable[[], Awaitable[None]]) -> None:
        attempt = 0
        while True:
            try:
                return await step()
            except LecternError as error:
                attempt += 1
                self._condition.hindrance = error
                log.warning("not ready yet", service=self.parts.name, why=str(error))
                await asyncio.sleep(delay_s(attempt, cap_s=OUTAGE_CAP_S))

    async def _database_ready(self) -> None:
        if self.migrate:
            await upgrade(self.parts.database, self.parts.migrations)
            return
        try:
            async with self.parts.database.reading() as connection:
                await connection.execute(select(events.c.id).limit(1))
        except DBAPIError as error:
            raise Unavailable("the database has no tables yet: run `lectern migrate`") from error
