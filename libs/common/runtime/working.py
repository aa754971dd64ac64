"""What a service does once all it needs is there: relay, workers and consumer, side by side.

Beside them, what killed processes and deletions left behind is removed.
"""

import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from libs.common.kafka.broker import Clients
from libs.common.kafka.pausing import PausedPartitions
from libs.common.kafka.sender import Sender
from libs.common.kafka.subscription import subscribe
from libs.common.processing.capacity.backpressure import Backpressure
from libs.common.processing.capacity.isolation import Isolation
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import DeadLetters
from libs.common.processing.relay import Relay
from libs.common.processing.worker import Worker
from libs.common.runtime import http_server
from libs.common.runtime.alongside import alongside
from libs.common.runtime.leftovers import EVERY_S, Leftovers
from libs.common.runtime.service_parts import ServiceParts

RELAY_PATIENCE_S = 3.0
AFTER_WORK_S = RELAY_PATIENCE_S + http_server.PATIENCE_S + 1.0  # of the time to drain in


@asynccontextmanager
async def working(
    parts: ServiceParts,
    *,
    clients: Clients,
    sender: Sender,
    paused: PausedPartitions,
    fail: Callable[[], None],
    isolation: Isolation,
    backpressure: Backpressure,
) -> AsyncIterator[None]:
    """Work while the block runs; leave in the order that loses nothing.

    ``fail`` is called when a loop fails, or when the service had better be stopped.
    """
    relay, worker = _relay(parts, clients, sender), _worker(parts, isolation, backpressure, fail)
    leftovers = Leftovers(
        storage=parts.storage,
        database=parts.database,
        service=parts.name,
        metrics=parts.metrics,
        keep_events=parts.keep_events,
        every_s=min(EVERY_S, parts.common.erasure_sweep_seconds),
    )
    for_work_s = parts.common.drain_timeout_seconds - AFTER_WORK_S
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(alongside(leftovers.run(), leftovers.stop, 0.0, fail))
        await stack.enter_async_context(alongside(relay.run(), relay.stop, RELAY_PATIENCE_S, fail))
        await stack.enter_async_context(alongside(worker.run(), worker.drain, for_work_s, fail))
        if parts.routes:
            await stack.enter_async_context(
                _consuming(parts, clients, _consumer(parts, sender, fail), paused)
            )
        yield


@asynccontextmanager
async def _consuming(
    parts: ServiceParts, clients: Clients, consumer: Consumer, paused: PausedPartitions
) -> AsyncIterator[None]:
    application = subscribe(
        consumer,
        clients.consuming_broker(parts.common),
        paused=paused,
        fetch_max_wait_ms=parts.common.fetch_max_wait_ms,
        max_poll_interval_ms=parts.common.max_poll_interval_ms,
        session_timeout_ms=parts.common.session_timeout_ms,
    )
    try:
        await application.start()
        yield
    finally:  # also of a service that stops while it starts
        await application.stop()


def _consumer(parts: ServiceParts, sender: Sender, fail: Callable[[], None]) -> Consumer:
    common = parts.common
    return Consumer(
        database=parts.database,
        storage=parts.storage,
        service=parts.name,
        routes=parts.routes,
        dead_letters=DeadLetters(sender, parts.name, common.handler_max_retry_seconds),
        metrics=parts.metrics,
        keep_events=parts.keep_events,
        max_attempts=common.handler_max_attempts,
        max_in_place_s=common.handler_max_retry_seconds,
        max_consecutive_bugs=common.max_consecutive_bugs,
        stop_service=fail,
    )


def _relay(parts: ServiceParts, clients: Clients, sender: Sender) -> Relay:
    published = frozenset(event.topic for event in parts.publishes)
    return Relay(
        database=parts.database,
        producer=sender,
        source=f"/lectern/{parts.name}",
        metrics=parts.metrics,
        batch_size=parts.common.relay_batch_size,
        poll_interval_s=parts.common.relay_poll_interval_ms / 1000,
        lease_ms=parts.common.relay_lease_seconds * 1000,
        full_topics=lambda: clients.full_topics() & published,
    )


def _worker(
    parts: ServiceParts,
    isolation: Isolation,
    backpressure: Backpressure,
    fail: Callable[[], None],
) -> Worker:
    return Worker(
        database=parts.database,
        storage=parts.storage,
        service=parts.name,
        routes=parts.work,
        metrics=parts.metrics,
        lease_ms=parts.common.job_lease_seconds * 1000,
        poll_interval_s=parts.common.job_poll_interval_ms / 1000,
        isolation=isolation,
        backpressure=backpressure,
        hung=partial(_end_process, fail, parts.common.drain_timeout_seconds),
    )


def _end_process(fail: Callable[[], None], within_s: float) -> None:
    """Stop the service, and end this process if what hangs keeps it from stopping."""
    ending = threading.Timer(within_s, os._exit, (1,))
    ending.daemon = True
    ending.start()
    fail()
