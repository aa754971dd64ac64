"""What is left behind: events in the stores, records on Kafka, rows of inboxes and jobs."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import select

from deploy.native.services import SERVICES
from lectern.service_catalog import consumers
from libs.common.contracts.catalog import every_event
from libs.common.store.outbox import ids_in_outbox
from libs.common.store.tables import events, inbox, jobs
from services.gateway.kernel.jobs import REMOVE_PENDING
from tests.journeys.deployment import Deployment

TOPICS = tuple(event.topic for event in every_event())
SOON_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One row of an event store."""

    service: str
    topic: str
    key: str
    event_id: str
    stream: str
    body: dict[str, Any]
    traceparent: str | None
    sent: bool

    @property
    def trace_id(self) -> str:
        return self.traceparent.split("-")[1] if self.traceparent else ""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One record on Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def attributes(self) -> dict[str, str]:
        return {name: value.decode() for name, value in self.headers}

    @property
    def event_id(self) -> str:
        return self.attributes.get("ce_id", "")


async def stored(deployment: Deployment, *services: str) -> list[Stored]:
    """Every event of the services (all of them, if none is named), in the order of their ids."""
    found: list[Stored] = []
    for service in services or SERVICES:
        database = deployment.database(service)
        async with database.reading() as connection:
            rows = await connection.execute(select(events).order_by(events.c.id))
            waiting = await ids_in_outbox(connection)
            found += [
                Stored(
                    service=service,
                    topic=row.topic,
                    key=row.key,
                    event_id=row.event_id,
                    stream=row.stream,
                    body=json.loads(row.body),
                    traceparent=row.traceparent,
                    sent=row.id not in waiting,
                )
                for row in rows
            ]
        await database.close()
    return found


async def handled(deployment: Deployment, service: str) -> set[str]:
    """Ids of the events in a service's inbox."""
    database = deployment.database(service)
    async with database.reading() as connection:
        found = set((await connection.execute(select(inbox.c.event_id))).scalars())
    await database.close()
    return found


async def open_jobs(deployment: Deployment, service: str) -> list[tuple[str, str]]:
    """Kind and status of jobs that should end soon by themselves.

    What is left of an upload that failed in another test is looked at once more after ten minutes,
    which may be now.
    """
    database = deployment.database(service)
    soon = int(time.time() * 1000) + SOON_MS
    async with database.reading() as connection:
        found = await connection.execute(
            select(jobs.c.kind, jobs.c.status).where(
                jobs.c.run_at_ms < soon, jobs.c.kind != REMOVE_PENDING.name
            )
        )
        rows = [(kind, status) for kind, status in found]
    await database.close()
    return rows


async def on_kafka(deployment: Deployment, topics: Iterable[str] = TOPICS) -> list[Seen]:
    """Every record of the topics, from the beginning of history to now."""
    bootstrap = deployment.kafka.bootstrap
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    parts = [
        TopicPartition(topic["topic"], part["partition"])
        for topic in described
        for part in topic["partitions"]
    ]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends = await consumer.end_offsets(parts)
        found: list[Seen] = []
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += [
                    Seen(
                        topic=record.topic,
                        key=record.key,
                        value=record.value,
                        headers=tuple(record.headers),
                    )
                    for record in batch
                ]
    return found


async def unsettled(deployment: Deployment) -> list[str]:
    """What is still under way, in words."""
    everything = await stored(deployment)
    left = [
        f"{event.topic} of {event.service} is not sent" for event in everything if not event.sent
    ]
    for service, consumed in consumers().items():
        topics = {event.topic for event in consumed}
        inboxed = await handled(deployment, service)
        left += [
            f"{service} has not handled a {event.topic}"
            for event in everything
            if event.topic in topics and event.event_id not in inboxed
        ]
        left += [
            f"{service} has a {kind} job {status}"
            for kind, status in await open_jobs(deployment, service)
        ]
    return left


async def settle(deployment: Deployment, timeout_s: float = 60) -> None:
    """Return when nothing is under way any more."""
    deadline = time.monotonic() + timeout_s
    while left := await unsettled(deployment):
        assert time.monotonic() < deadline, f"not settled after {timeout_s:.0f} s: {left[:10]}"
        await asyncio.sleep(0.2)


def check_streams_have_no_gaps(records: Iterable[Seen]) -> None:
    """Hold what anybody can see on Kafka against the promise: each stream is counted from 1."""
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for record in records:
        attributes = record.attributes
        stream = attributes["ce_source"], attributes["ce_stream"]
        found[stream].add(int(attributes["ce_streamversion"]))
    gaps = {stream: seen for stream, seen in found.items() if seen != {*range(1, len(seen) + 1)}}
    assert not gaps, gaps


async def check_nothing_lost_or_doubled(deployment: Deployment) -> None:
    """Hold the stores against Kafka, and each kind of result against its rule."""
    await settle(deployment)
    everything = await stored(deployment)
    ids = Counter(event.event_id for event in everything)
    assert max(ids.values()) == 1, "an event id is in two stores"
    values: dict[str, set[bytes | None]] = defaultdict(set)
    for record in await on_kafka(deployment):
        if record.event_id in ids:
            values[record.event_id].add(record.value)
    assert values.keys() == ids.keys(), "what is stored and what is on Kafka differ"
    assert all(len(contents) == 1 for contents in values.values()), "one id, two contents"
    _check_results(everything)
    _check_hooks(deployment, everything)


def _check_results(everything: list[Stored]) -> None:
    """One result for each request, and one request for each page and sound."""

    def count(topics: set[str], *fields: str) -> Counter[tuple[Any, ...]]:
        return Counter(
            tuple(str(event.body[name]) for name in fields)
            for event in everything
            if event.topic in topics
        )

    page = ("document_id", "page")
    sound = (*page, "revision", "engine", "voice", "rate", "formats")
    results = {"audio.ready", "audio.failed"}
    books = {"audiobook.ready", "audiobook.failed"}
    ends = {"narration.completed", "narration.failed"}
    once = {
        "page.extracted": count({"page.extracted"}, *page),
        "page.segmented": count({"page.segmented"}, *page, "revision"),
        "document's end": count({"document.parsed", "document.rejected"}, "document_id"),
        "audio.requested": count({"audio.requested"}, *sound),
        "audio's result": count(results, "audio_id"),
        "audiobook.requested": count({"audiobook.requested"}, "narration_id"),
        "audiobook's result": count(books, "audiobook_id"),
        "narration's end": count(ends, "narration_id"),
        "notification's result": count(
            {"notification.sent", "notification.failed"}, "notification_id"
        ),
    }
    doubled = {what: [*n.items()] for what, n in once.items() if n and max(n.values()) > 1}
    assert not doubled, doubled
    deleted = {event.key for event in everything if event.topic == "document.deleted"}
    alive = [event for event in everything if event.key not in deleted]
    for asked, answered, name in (
        ("audio.requested", results, "audio_id"),
        ("audiobook.requested", books, "audiobook_id"),
        ("narration.requested", ends, "narration_id"),
    ):
        wanted = {event.body[name] for event in alive if event.topic == asked}
        got = {event.body[name] for event in alive if event.topic in answered}
        assert wanted == got, f"{asked} and its results differ"


def _check_hooks(deployment: Deployment, everything: list[Stored]) -> None:
    """Each event was told; told twice it had the same id and the same content."""
    told: dict[str, set[bytes]] = defaultdict(set)
    for hook in deployment.world.hooks:
        told[hook.webhook_id].add(hook.body)
    assert all(len(bodies) == 1 for bodies in told.values()), "one webhook-id, two contents"
    sent = [event for event in everything if event.topic == "notification.sent"]
    hooks = {event.body["notification_id"] for event in sent if event.body["channel"] == "webhook"}
    assert hooks == set(told), "deliveries and their records differ"
    about = Counter((event.body["about_event"], event.body["channel"]) for event in sent)
    assert not about or max(about.values()) == 1, "an event was told twice on one channel"
    owed = {e.event_id for e in everything if e.topic in {"audio.ready", "audiobook.ready"}}
    by_hook = [event.body for event in sent if event.body["channel"] == "webhook"]
    assert owed <= {one["about_event"] for one in by_hook}
