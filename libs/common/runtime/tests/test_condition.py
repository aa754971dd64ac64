"""What a service says of itself while things are missing."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from pydantic import BaseModel
from sqlalchemy import update

from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.errors import Unavailable
from libs.common.kafka.pausing import PausedPartitions
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import JobKind
from libs.common.processing.routes import on
from libs.common.processing.time_limits import TimeLimits
from libs.common.runtime.condition import Condition
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import CommonSettings, ServiceSettings
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import apply
from libs.common.store.tables import jobs, now_ms


async def handler(event):
    return []


class Cluster:
    """Takes the place of the sender, as it asks for Kafka's metadata."""

    def __init__(self):
        self.topics = {DocumentDeleted.topic, DocumentRejected.topic}
        self.away = False

    async def missing_topics(self, wanted):
        if self.away:
            raise Unavailable("the broker did not answer")
        return sorted(set(wanted) - self.topics)


@pytest.fixture
def cluster() -> Any:
    return Cluster()


@pytest.fixture
def parts(database):
    return ServiceParts(
        name="porter",
        migrations=Path(),
        publishes=[DocumentRejected],
        routes=[on(DocumentDeleted, handler)],
        work=[],
        settings=ServiceSettings(database_url="sqlite+aiosqlite://", http_port=0),
        common=CommonSettings(kafka_bootstrap_servers="nowhere:1", storage_url="file:///nowhere"),
        database=database,
        storage=MemoryStorage(),
        metrics=Metrics("porter"),
    )


@pytest.fixture
def paused(parts):
    return PausedPartitions(parts.metrics)


@pytest.fixture
def condition(parts, cluster, paused):
    return Condition(parts, cluster, paused)


def gauge(parts, name):
    return parts.metrics.registry.get_sample_value(name, {"service": "porter"})


async def test_all_topics_that_are_consumed_or_published_are_wanted(condition, cluster):
    await condition.topics_ready()
    cluster.topics.clear()
    with pytest.raises(Unavailable, match="2 topics are missing"):
        await condition.topics_ready()


async def test_the_consumer_is_up_while_the_service_works_and_the_broker_answers(
    condition, parts, cluster
):
    seen = []

    async def look():
        await condition.refresh_gauges()
        seen.append(gauge(parts, "consumer_up"))

    await look()
    with condition.works():
        await look()
        cluster.away = True
        await look()
        cluster.away = False
    await look()
    assert seen == [0, 1, 0, 0]
    assert condition.ready.is_set()


async def test_a_paused_partition_is_told_and_leaves_the_service_ready(condition, paused, cluster):
    kafka = SimpleNamespace(seek=lambda *_: None, pause=lambda *_: None)
    with condition.works():
        assert (await condition.health.check())[1]["broker"]["message"] == "ok"
        paused.pause(kafka, {TopicPartition(DocumentDeleted.topic, 3): 17})
        ready, rows = await condition.health.check()
        assert ready
        assert rows["broker"]["status"] == "ok"
        assert "document.deleted (partition 3, offset 17)" in rows["broker"]["message"]
        cluster.away = True
        ready, rows = await condition.health.check()
        assert (ready, rows["broker"]["status"]) == (False, "error")


async def test_a_service_may_have_rows_of_its_own(parts, paused, cluster):
    async def degraded() -> str:
        return "degraded: without one of two"

    parts.checks = {"engine": degraded}
    condition = Condition(parts, cluster, paused)
    _, rows = await condition.health.check()
    assert rows["engine"] == {"status": "ok", "message": "degraded: without one of two"}


async def test_a_service_that_consumes_nothing_has_no_consumer(condition, parts):
    parts.routes = []
    with condition.works():
        await condition.refresh_gauges()
    assert gauge(parts, "consumer_up") == 0


GAUGES = ("outbox_unsent", "outbox_refused", "jobs_ready", "jobs_running")


async def test_what_nobody_can_tell_is_no_number(condition, parts, monkeypatch):
    await condition.refresh_gauges()
    assert [gauge(parts, name) for name in GAUGES] == [0] * 4

    def away():
        raise Unavailable("the database did not answer")

    monkeypatch.setattr(parts.database, "reading", away)
    await condition.refresh_gauges()
    for name in GAUGES:
        assert math.isnan(gauge(parts, name))


class Waiting(BaseModel):
    pass


async def test_the_age_of_the_oldest_job_is_told_by_kind(condition, parts):
    kind = JobKind(name="wait", payload=Waiting, limits=TimeLimits(soft_s=1, hard_s=2))
    parts.work = [kind.done_by(handler)]
    async with parts.database.transaction() as connection:
        await apply(connection, [kind.new(Waiting(), subject="s")], None)
        await connection.execute(update(jobs).values(run_at_ms=now_ms() - 60_000))
    await condition.refresh_gauges()
    labels = {"service": "porter", "kind": "wait"}
    age_s = parts.metrics.registry.get_sample_value("jobs_oldest_seconds", labels)
    assert 60 <= age_s < 120
