"""One service, from start to drain: what is around the handlers and jobs, written once.

    start   database -> resources -> HTTP -> broker, topics -> relay, consumer, workers
    stop    not ready -> consumer -> workers drain -> relay sends the rest -> HTTP -> resources

Services start in any order: whatever is not there yet is waited for, and readiness says what.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from libs.common import http_server
from libs.common.alongside import alongside
from libs.common.backoff import delay_s
from libs.common.broker import consuming_broker, missing_topics, producer
from libs.common.consumer import Consumer
from libs.common.database import Database
from libs.common.dead_letters import DeadLetters
from libs.common.errors import LecternError, Unavailable
from libs.common.events import Event
from libs.common.fetching import FetchOnDemand
from libs.common.health import Health
from libs.common.http_server import HttpServer
from libs.common.jobs import counts
from libs.common.metrics import Metrics
from libs.common.metrics_page import MeasuredRequests, metrics_route
from libs.common.migrate import upgrade
from libs.common.relay import Relay, unsent
from libs.common.routes import Route
from libs.common.sender import Sender
from libs.common.settings import CommonSettings, ServiceSettings
from libs.common.storage import Storage
from libs.common.subscription import consumers_of, subscribe
from libs.common.tables import events
from libs.common.telemetry import configure
from libs.common.worker import JobRoute, Worker

log = structlog.get_logger(__name__)

RELAY_PATIENCE_S = 3.0
AFTER_WORK_S = RELAY_PATIENCE_S + http_server.PATIENCE_S + 1.0  # of the time to drain in


@dataclass
class Parts:
    """What one service is made of; built by its ``app.py``.

    ``resources`` are entered before anything runs and left at the very end; ``starting`` is awaited
    once the database is there; ``http_routes`` come beside health and metrics.
    """

    name: str
    migrations: Path
    publishes: Sequence[type[Event]]
    routes: Sequence[Route]
    work: Sequence[JobRoute]
    settings: ServiceSettings
    common: CommonSettings
    database: Database
    storage: Storage
    metrics: Metrics
    resources: Sequence[AbstractAsyncContextManager[object]] = ()
    starting: Callable[[], Awaitable[None]] | None = None
    http_routes: Sequence[BaseRoute] = ()
    keep_events: bool = False


@dataclass
class Service:
    """A service that runs, alone in its process or beside others.

    ``fetches``: those of a process with a broker of its own. ``hindrance``: why it is not ready.
    """

    parts: Parts
    migrate: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    fetches: FetchOnDemand | None = None

    def __post_init__(self) -> None:
        parts = self.parts
        self.ready = asyncio.Event()
        self.failed = False
        sent = self.fetches.sent if self.fetches else None
        self._sender = Sender(partial(producer, parts.common), sent)
        self._topics_missing: list[str] = []
        self._stack = AsyncExitStack()
        self._background: asyncio.Task[None] | None = None
        self.hindrance: LecternError = Unavailable("starting")
        self.health = Health(
            {
                "database": parts.database.check,
                "broker": self._check_broker,
                "storage": parts.storage.check,
                "config": self._check_started,
            },
            timeout_s=parts.common.health_check_timeout_seconds,
        )

    @property
    def port(self) -> int:
        """The port that the service's HTTP pages are on."""
        return self._http.port

    async def start(self) -> None:
        """Bring the service up as far as its dependencies allow; the rest follows by itself."""
        parts = self.parts
        self._telemetry = configure(parts.name, parts.common, parts.settings)
        routes = [
            *self.health.routes(),
            metrics_route(parts.metrics, self._refresh_gauges),
            *parts.http_routes,
        ]
        self._http = HttpServer(
            MeasuredRequests(Starlette(routes=routes), parts.metrics),
            parts.common.bind_host,
            parts.settings.http_port,
        )
        await self._http.start()
        self._stack.push_async_callback(self._http.stop)
        self._background = asyncio.create_task(self._come_up(), name=f"{parts.name} start")
        self._background.add_done_callback(self._died)

    async def stop(self) -> None:
        """Drain and stop; work that does not end in time is given back."""
        self.health.drain()
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
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self.stopping.set)
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
            stack.push_async_callback(self._sender.stop)
            await self._until_it_works(self._sender.connect)
            await self._until_it_works(self._topics_ready)
            await stack.enter_async_context(self._working())
            self.ready.set()
            log.info("service ready", service=parts.name, port=self.port)
            await asyncio.Event().wait()  # until cancelled by stop()

    async def _until_it_works(self, step: Callable[[], Awaitable[None]]) -> None:
        attempt = 0
        while True:
            try:
                return await step()
            except LecternError as error:
                attempt += 1
                self.hindrance = error
                log.warning("not ready yet", service=self.parts.name, why=str(error))
                await asyncio.sleep(delay_s(attempt, cap_s=5.0))

    async def _database_ready(self) -> None:
        if self.migrate:
            await upgrade(self.parts.database, self.parts.migrations)
            return
        try:
            async with self.parts.database.reading() as connection:
                await connection.execute(select(events.c.id).limit(1))
        except DBAPIError as error:
            raise Unavailable("the database has no tables yet: run `lectern migrate`") from error

    async def _topics_ready(self) -> None:
        wanted = {each.event.topic for each in self.parts.routes}
        wanted |= {each.topic for each in self.parts.publishes}
        self._topics_missing = await missing_topics(self._sender.connected, wanted)
        if self._topics_missing:
            raise Unavailable(
                f"{len(self._topics_missing)} topics are missing: run `lectern topics create`"
            )

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        """Run relay, consumer and workers; leave in the order that loses nothing."""
        parts, common = self.parts, self.parts.common
        relay = Relay(
            parts.database,
            self._sender,
            f"/lectern/{parts.name}",
            parts.metrics,
            common.relay_batch_size,
            common.relay_poll_interval_ms / 1000,
        )
        worker = Worker(
            parts.database,
            parts.name,
            parts.work,
            parts.metrics,
            common.job_lease_seconds * 1000,
            common.job_poll_interval_ms / 1000,
        )
        for_work_s = common.drain_timeout_seconds - AFTER_WORK_S
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(
                alongside(relay.run(), relay.stop, RELAY_PATIENCE_S, self._fail)
            )
            await stack.enter_async_context(
                alongside(worker.run(), worker.drain, for_work_s, self._fail)
            )
            await stack.enter_async_context(self._consuming())
            yield

    @asynccontextmanager
    async def _consuming(self) -> AsyncIterator[None]:
        parts, common = self.parts, self.parts.common
        if not parts.routes:
            yield
            return
        broker = consuming_broker(common)
        consumer = Consumer(
            parts.database,
            parts.name,
            parts.routes,
            DeadLetters(self._sender, parts.name, common.handler_max_retry_seconds),
            parts.metrics,
            keep_events=parts.keep_events,
            max_attempts=common.handler_max_attempts,
            max_in_place_s=common.handler_max_retry_seconds,
            max_consecutive_bugs=common.max_consecutive_bugs,
            stop_service=self._fail,
        )
        offsets = subscribe(
            consumer,
            broker,
            fetch_max_wait_ms=common.fetch_max_wait_ms,
            max_poll_interval_ms=common.max_poll_interval_ms,
            session_timeout_ms=common.session_timeout_ms,
            fetches=self.fetches,
        )
        try:
            await broker.start()
            async with AsyncExitStack() as following:
                if self.fetches is not None:
                    followed = self.fetches.following(consumers_of(broker))
                    await following.enter_async_context(followed)
                yield
        finally:  # also of a service that stops while it starts
            await offsets.close()
            await broker.stop()

    async def _check_broker(self) -> None:
        if self._topics_missing:
            await self._topics_ready()
        await missing_topics(self._sender.connected, ())

    async def _check_started(self) -> None:
        """Say what the start still waits for, such as tables or topics that have to be made."""
        if not self.ready.is_set():
            raise Unavailable(str(self.hindrance))

    async def _refresh_gauges(self) -> None:
        metrics = self.parts.metrics
        metrics.consumer_up.set(float(self.ready.is_set()))
        with contextlib.suppress(Unavailable, DBAPIError):
            async with self.parts.database.reading() as connection:
                found = await counts(connection)
                metrics.outbox_unsent.set(await unsent(connection))
            metrics.jobs_ready.set(found["ready"])
            metrics.jobs_running.set(found["running"])
