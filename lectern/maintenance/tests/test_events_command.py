import asyncio
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy import delete, select

from lectern.cli import run
from lectern.maintenance import events_command
from lectern.maintenance.events_command import RepublishingLines
from lectern.service_catalog import SERVICES
from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.database.engine import Database
from libs.common.kafka.broker import producer
from libs.common.kafka.sender import Sender
from libs.common.kafka.topic_specs import TopicSpec
from libs.common.kafka.topics import create_topics
from libs.common.observability.metrics import Metrics
from libs.common.processing.relay import Relay
from libs.common.settings import CommonSettings
from libs.common.store.event_store import append
from libs.common.store.migrate import upgrade
from libs.common.store.outbox import send_again
from libs.common.store.republishing import Step
from libs.common.store.tables import events, outbox

INGEST = next(spec for spec in SERVICES if spec.name == "ingest")


async def fill(url, count):
    """Ingest's database with events that were sent; returns them."""
    database = Database(url)
    await upgrade(database, INGEST.migrations)
    about = {"document_id": uuid4(), "owner_id": uuid4()}
    happened = [
        DocumentRejected(**about, code=f"c{number}", details=None) for number in range(count)
    ]
    async with database.transaction() as connection:
        await append(connection, happened)
        await connection.execute(delete(outbox))
    await database.close()
    return happened


@pytest.fixture
def folder(tmp_path):
    asyncio.run(fill(f"sqlite+aiosqlite:///{tmp_path}/ingest.db", 3))
    return ["--data", str(tmp_path)]


async def mark_all(database):
    """A relay that has nowhere to send to."""
    while True:
        async with database.transaction() as connection:
            await connection.execute(delete(outbox))
        await asyncio.sleep(0.01)


def test_a_dry_run_only_counts(folder, capsys):
    asked = ["events", "republish", *folder, "--topic", DocumentRejected.topic, "--dry-run"]
    assert run(asked) == 0
    counted = "would republish 3 events of ingest: document.rejected 3\n"
    assert capsys.readouterr().out == counted
    assert run(asked) == 0
    assert capsys.readouterr().out == counted


async def test_it_tells_what_was_sent_again(tmp_path, capsys):
    url = f"sqlite+aiosqlite:///{tmp_path}/ingest.db"
    await fill(url, 3)
    database = Database(url)
    relaying = asyncio.create_task(mark_all(database))
    asked = ["events", "republish", "ingest", "--data", str(tmp_path), "--all"]
    assert await asyncio.to_thread(run, asked) == 0
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)
    await database.close()
    said = capsys.readouterr()
    assert said.out == "republished 3 events of ingest: document.rejected 3\n"


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        ([], "--all for everything"),
        (["--until", "2026-01-01T00:00:00Z"], "--all for everything"),
        (["--topic", "audio.red"], "audio.ready"),
        (["--stream", "documents/1"], "document/{document_id}"),
        (["--since", "yesterday"], "2026-11-27T14:00:00Z"),
        (["--since", "2026-01-01T00:00:00"], "time zone"),
        (["somebody", "--all"], "segmenter"),
        (["--all", "--after", "7"], "name it"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(capsys, wrong, answer):
    code: object
    try:
        code = run(["events", "republish", *wrong])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert answer in capsys.readouterr().err


def test_a_folder_without_the_database_is_named(tmp_path, capsys):
    assert run(["events", "republish", "synth", "--data", str(tmp_path), "--all"]) == 66
    assert "synth.db" in capsys.readouterr().err


def test_without_names_those_who_publish_the_topic(monkeypatch, capsys):
    monkeypatch.delenv("INGEST_DATABASE_URL", raising=False)
    assert run(["events", "republish", "--topic", DocumentRejected.topic, "--dry-run"]) == 78
    assert "INGEST_DATABASE_URL" in capsys.readouterr().err


def test_progress_is_told_now_and_then_and_so_is_a_standstill(monkeypatch, capsys):
    now = 0.0
    monkeypatch.setattr(events_command, "monotonic", lambda: now)
    progress = RepublishingLines("ingest", 5000)
    progress(Step(marked=1000, waiting=1000, place=1001))
    assert capsys.readouterr().err == ""
    now = 6.0
    progress(Step(marked=2000, waiting=1500, place=2002))
    said = "ingest: 2,000 of 5,000 in the outbox or sent, up to place 2002; 1,500 wait\n"
    assert capsys.readouterr().err == said
    assert progress.place == 2002
    now = 30.0
    progress(Step(marked=2000, waiting=1500, place=2002))
    assert "does the service run" in capsys.readouterr().err


@pytest.mark.slow
async def test_the_same_records_come_again_on_kafka(
    kafka_bootstrap, postgres_database, monkeypatch, capsys
):
    common = CommonSettings(kafka_bootstrap_servers=kafka_bootstrap, storage_url="file:///nowhere")
    topics = [DocumentRejected.topic, DocumentDeleted.topic]
    await create_topics(
        kafka_bootstrap,
        [TopicSpec(name=name, partitions=2, replication_factor=1) for name in topics],
    )
    sender = Sender(lambda: producer(common))
    database = Database(postgres_database)
    relay = Relay(
        database=database,
        producer=sender,
        source="/lectern/ingest",
        metrics=Metrics("ingest"),
        batch_size=2,
        poll_interval_s=0.05,
        lease_ms=10_000,
    )
    happened = await fill(postgres_database, 5)
    async with database.transaction() as connection:
        await send_again(connection, list(await connection.scalars(select(events.c.id))))
    relaying = asyncio.create_task(relay.run())
    key = happened[0].key.encode()
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    first = await records_of(consumer, key, 5)
    monkeypatch.setenv("INGEST_DATABASE_URL", postgres_database)
    asked = ["events", "republish", "ingest", "--topic", topics[0], "--topic", topics[1]]
    assert await asyncio.to_thread(run, asked) == 0
    assert "republished 5 events of ingest: document.rejected 5" in capsys.readouterr().out
    again = await records_of(consumer, key, 5)
    assert again == first
    assert [dict(headers)["ce_id"] for *_, headers in again] == [
        str(event.event_id).encode() for event in happened
    ]
    await consumer.stop()
    relay.stop()
    await relaying
    await sender.stop()
    await database.close()


async def records_of(consumer, key, count):
    """The next records of one key: topic, value and headers."""
    found = []
    async with asyncio.timeout(30):
        async for record in consumer:
            if record.key == key:
                found.append((record.topic, record.value, record.headers))
            if len(found) == count:
                return found
