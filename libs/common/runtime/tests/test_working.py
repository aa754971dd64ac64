"""The loops of a service; what they do is in test_service.py, and in the tests of each."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from libs.common.contracts.documents import DocumentDeleted, DocumentParsed, DocumentSubmitted
from libs.common.kafka.broker import Clients
from libs.common.kafka.pausing import PausedPartitions
from libs.common.kafka.sender import Sender
from libs.common.observability.metrics import Metrics
from libs.common.processing.capacity.backpressure import Backpressure
from libs.common.processing.capacity.isolation import Isolation
from libs.common.processing.routes import on
from libs.common.runtime import working as working_module
from libs.common.runtime.service_parts import ServiceParts
from libs.common.runtime.working import working
from libs.common.settings import CommonSettings, ServiceSettings
from libs.common.storage.memory import MemoryStorage

UNCONNECTED = Sender(lambda: None)


async def handler(event):
    return []


def parts(database, routes):
    return ServiceParts(
        name="porter",
        migrations=Path(),
        publishes=[],
        routes=routes,
        work=[],
        settings=ServiceSettings(database_url="sqlite+aiosqlite://", http_port=0),
        common=CommonSettings(kafka_bootstrap_servers="nowhere:1", storage_url="file:///nowhere"),
        database=database,
        storage=MemoryStorage(),
        metrics=Metrics("porter"),
    )


def started(parts, log):
    return working(
        parts,
        clients=Clients(),
        sender=UNCONNECTED,
        paused=PausedPartitions(parts.metrics),
        fail=log.clear,
        isolation=Isolation(),
        backpressure=Backpressure(),
    )


class Application:
    """Takes the place of the consuming application."""

    def __init__(self, log, *, hangs=False):
        self.log, self.hangs = log, hangs

    async def start(self):
        self.log.append("consumer started")
        if self.hangs:
            await asyncio.Event().wait()

    async def stop(self):
        self.log.append("consumer stopped")


@pytest.fixture
def log(monkeypatch):
    """What began and ended, in order."""
    log = []

    @asynccontextmanager
    async def alongside(running, ask_to_end, patience_s, failed):
        name = ask_to_end.__self__.__class__.__name__
        running.close()
        log.append(f"{name} started")
        yield
        log.append(f"{name} stopped")

    monkeypatch.setattr(working_module, "alongside", alongside)
    return log


async def test_who_makes_work_stops_before_who_does_it_and_who_tells_of_it(
    database, log, monkeypatch
):
    monkeypatch.setattr(working_module, "subscribe", lambda *_, **__: Application(log))
    routes = [on(DocumentDeleted, handler)]
    async with started(parts(database, routes), log):
        begun = list(log)
        log.clear()
    assert begun == ["Leftovers started", "Relay started", "Worker started", "consumer started"]
    assert log == ["consumer stopped", "Worker stopped", "Relay stopped", "Leftovers stopped"]


async def test_a_service_without_routes_consumes_nothing(database, log):
    async with started(parts(database, []), log):
        assert log == ["Leftovers started", "Relay started", "Worker started"]


async def test_a_consumer_that_is_stopped_while_it_starts_is_closed(database, log, monkeypatch):
    monkeypatch.setattr(working_module, "subscribe", lambda *_, **__: Application(log, hangs=True))
    routes = [on(DocumentDeleted, handler)]
    with pytest.raises(TimeoutError):
        async with (
            asyncio.timeout(0.05),
            started(parts(database, routes), log),
        ):
            raise AssertionError("not reached")
    assert log[:5] == [
        "Leftovers started",
        "Relay started",
        "Worker started",
        "consumer started",
        "consumer stopped",
    ]


async def test_a_relay_waits_for_no_full_topic_that_its_service_never_sends_to(database):
    full = frozenset({DocumentParsed.topic, "another.topic"})
    service = parts(database, [])
    service.publishes = [DocumentParsed, DocumentSubmitted]
    relay = working_module._relay(service, Clients(full_topics=lambda: full), UNCONNECTED)
    assert relay.full_topics() == {DocumentParsed.topic}
