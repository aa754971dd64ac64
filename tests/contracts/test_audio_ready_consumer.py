"""The example consumer as a stranger runs it: a process of its own, and a real broker."""

import ast
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import delete

from libs.common.contracts.audio import AudiobookReady, AudioFailed, AudioReady, Rendition
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.details import DETAILS, AudiobookContents, AudiobookPage
from libs.common.database.engine import Database
from libs.common.kafka.broker import producer
from libs.common.kafka.topic_specs import TopicSpec
from libs.common.kafka.topics import create_topics
from libs.common.observability.metrics import Metrics
from libs.common.processing.outgoing import Acknowledged, Outcome, OutgoingRecord
from libs.common.processing.relay import Relay
from libs.common.settings import CommonSettings
from libs.common.storage.folder import FolderStorage
from libs.common.store.event_store import append
from libs.common.store.tables import core, outbox

EXAMPLE = Path(__file__).parents[2] / "examples" / "audio_ready_consumer.py"
OURS = {"libs", "services", "lectern", "tests", "examples"}
PATIENCE_S = 60
UNCLEAN = ("Traceback", "skipped", "Task was destroyed", "Unclosed")
"""Not on standard error; that a new broker has no coordinator for groups yet may be there."""
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def ref(name: str, size: int) -> ObjectRef:
    return ObjectRef(
        key=f"audio/{name}", sha256="0" * 64, size=size, media_type="application/octet-stream"
    )


def audio_ready(page: int) -> AudioReady:
    return AudioReady(
        document_id=uuid4(),
        owner_id=uuid4(),
        requested_by=uuid4(),
        audio_id=uuid4(),
        page=page,
        engine="espeak",
        voice="en-gb",
        renditions=(Rendition(format="m4a", object=ref("page.m4a", 561_204)),),
        timings=ref("timings.json", 10),
        captions=ref("captions.vtt", 20),
        duration_ms=92_784,
        characters_asked=1834,
        characters_spoken=1834,
        revision=0,
        rate=1.0,
        segments_cached=0,
        loudness_lufs=None,
        characters_cached=0,
    )


class Redirected:
    """The relay's producer, to a topic of this test: the broker is shared."""

    def __init__(self, real: AIOKafkaProducer, topic: str) -> None:
        self._real = real
        self._topic = topic

    async def send_all(self, records: Sequence[OutgoingRecord]) -> Sequence[Outcome]:
        for record in records:
            assert record.topic in {"audio.ready", "audiobook.ready", "audio.failed"}
            await self._real.send_and_wait(
                self._topic, record.value, record.key, headers=record.headers
            )
        return [Acknowledged() for _ in records]


class Synth:
    """What synth does to publish: append to its event store, and have the relay send."""

    def __init__(self, database: Database, relay: Relay) -> None:
        self.database = database
        self._relay = relay

    async def publish(self, *events: AudioReady | AudiobookReady | AudioFailed) -> None:
        async with self.database.transaction() as connection:
            await append(connection, events, TRACEPARENT)
        await self._relay.send_batch()


@pytest.fixture
async def topic(kafka_bootstrap: str) -> str:
    name = f"audio.ready.{uuid4().hex}"
    await create_topics(kafka_bootstrap, [TopicSpec(name=name, partitions=3, replication_factor=1)])
    return name


@pytest.fixture
async def real_producer(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    settings = CommonSettings(kafka_bootstrap_servers=kafka_bootstrap, storage_url="file:///unused")
    connected = producer(settings)
    await connected.start()
    yield connected
    await connected.stop()


@pytest.fixture
async def synth(
    real_producer: AIOKafkaProducer, topic: str, tmp_path: Path
) -> AsyncIterator[Synth]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/synth.db")
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
    redirected = Redirected(real_producer, topic)
    yield Synth(
        database,
        Relay(
            database=database,
            producer=redirected,
            source="/lectern/synth",
            metrics=Metrics("synth"),
            batch_size=500,
            poll_interval_s=0.2,
            lease_ms=10_000,
        ),
    )
    await database.close()


def command(kafka_bootstrap: str, topic: str, *more: str) -> list[str]:
    return [sys.executable, str(EXAMPLE), "--bootstrap", kafka_bootstrap, "--topic", topic, *more]


async def run(*parts: str, **environment: str) -> str:
    """Run a program to its end and return what it printed."""
    done = await completed(*parts, **environment)
    unasked = [word for word in UNCLEAN if word in done.stderr]
    assert (done.returncode, unasked) == (0, []), done.stderr
    return done.stdout


async def completed(*parts: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        parts,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={**os.environ, **environment},
    )


class Gateway(BaseHTTPRequestHandler):
    """As much of the gateway as the example asks: one document is known to one token."""

    known: UUID

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Bearer secret"
        known = self.path == f"/api/v1/documents/{type(self).known}"
        self.send_response(200 if known and allowed else 404 if allowed else 401)
        self.end_headers()
        if known and allowed:
            self.wfile.write(json.dumps({"title": "The Light at Brannock"}).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def gateway(known: UUID) -> Iterator[str]:
    """Serve a gateway; yields its address."""
    handler = type("Knowing", (Gateway,), {"known": known})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        serving.join()


async def book_ready(folder: Path) -> AudiobookReady:
    """An audiobook whose details are in a folder."""
    document_id = uuid4()
    made_of = AudiobookContents(
        title="The Light at Brannock",
        pages=[AudiobookPage(page=1, audio_id=uuid4())],
        author=None,
        language="und",
        chapters=(),
        cover=None,
    )
    key = f"documents/{document_id}/audiobooks/contents.json"
    stored = await FolderStorage(folder).write(key, made_of.encode(), DETAILS)
    return AudiobookReady(
        document_id=document_id,
        owner_id=uuid4(),
        requested_by=uuid4(),
        audiobook_id=uuid4(),
        narration_id=uuid4(),
        format="m4b",
        object=ref("book.m4b", 1_234_567),
        details=stored,
        duration_ms=92_784,
        chapter_count=3,
        loudness_lufs=None,
    )


def expected(event: AudioReady, *, title: str | None = None) -> list[str]:
    """The lines that the example prints of an event."""
    named = [] if title is None else [f"    title: {title}"]
    return [
        f"{rfc3339(event.occurred_at)} page {event.page} of document {event.document_id}: "
        "92.8 s, 1,834 characters, by espeak/en-gb; m4a 561,204 bytes",
        *named,
        "    ce_specversion: 1.0",
        f"    ce_id: {event.event_id}",
        "    ce_type: audio.ready",
        "    ce_source: /lectern/synth",
        f"    ce_time: {rfc3339(event.occurred_at)}",
        f"    ce_subject: {event.document_id}",
        f"    ce_stream: audio/{event.audio_id}",
        "    ce_streamversion: 1",
        "    content-type: application/json; charset=utf-8",
        f"    traceparent: {TRACEPARENT}",
    ]


def test_it_imports_nothing_of_ours():
    imported = set()
    for node in ast.walk(ast.parse(EXAMPLE.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add((node.module or "").partition(".")[0])
    assert not imported & OURS
    assert imported - set(sys.stdlib_module_names) == {"aiokafka"}


async def test_it_prints_what_the_relay_sent_once_each(
    kafka_bootstrap, topic, synth, real_producer
):
    event, other = audio_ready(1), audio_ready(2)
    await synth.publish(event)
    # What the relay does after a crash between sending and noting that it did: the same id again.
    raw = [("ce_id", str(event.event_id).encode()), ("ce_type", b"audio.ready")]
    await real_producer.send_and_wait(
        topic, event.encode(), str(event.document_id).encode(), headers=raw
    )
    await synth.publish(other)
    printed = await run(*command(kafka_bootstrap, topic, "--from-beginning", "--count", "2"))
    lines = printed.splitlines()
    by_id = {str(event.event_id): expected(event), str(other.event_id): expected(other)}
    first = lines[2].partition(": ")[2]
    second = lines[13].partition(": ")[2]
    assert {first, second} == set(by_id)
    assert lines == by_id[first] + by_id[second]


async def test_the_gateway_is_asked_for_titles(kafka_bootstrap, topic, synth):
    """A document that was deleted, or that the token may not see, has none."""
    known, other = audio_ready(1), audio_ready(2)
    await synth.publish(known, other)
    parts = command(kafka_bootstrap, topic, "--from-beginning", "--count", "2")
    with gateway(known.document_id) as url:
        printed = await run(*parts, LECTERN_URL=url, LECTERN_TOKEN="secret")
    first = expected(known, title="The Light at Brannock")
    second = expected(other, title="untitled or gone")
    assert printed.splitlines() in (first + second, second + first)


async def test_a_gateway_that_is_away_ends_it_before_anything_is_committed(
    kafka_bootstrap, topic, synth
):
    """What was not printed comes again, for whoever asked."""
    event = audio_ready(1)
    await synth.publish(event)
    parts = command(kafka_bootstrap, topic, "--from-beginning", "--group", uuid4().hex)
    parts += ["--count", "1"]
    away = {"LECTERN_URL": "http://127.0.0.1:1", "LECTERN_TOKEN": "secret"}
    done = await asyncio.to_thread(
        subprocess.run,
        parts,
        env={**os.environ, **away},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("titles: ")
    assert "Traceback" not in done.stderr
    assert (await run(*parts)).splitlines() == expected(event)


async def test_the_title_of_an_audiobook_is_in_its_details(kafka_bootstrap, topic, synth, tmp_path):
    event = await book_ready(tmp_path)
    assert b"Brannock" not in event.encode()
    await synth.publish(event)
    parts = command(kafka_bootstrap, topic, "--from-beginning", "--count", "1")
    parts += ["--storage", str(tmp_path)]
    lines = (await run(*parts)).splitlines()
    assert lines[0] == (
        f"{rfc3339(event.occurred_at)} audiobook of document {event.document_id}: "
        "92.8 s, 3 chapters; m4b 1,234,567 bytes"
    )
    assert lines[1] == "    title: The Light at Brannock"
    await FolderStorage(tmp_path).delete_prefix(f"documents/{event.document_id}/")
    assert (await run(*parts)).splitlines()[1] == "    title: untitled or gone"


async def test_gaps_are_told_at_the_end(kafka_bootstrap, topic, synth, real_producer):
    """Events that are only followed to be counted fill gaps; what never came is named."""
    whole, lacking = audio_ready(1), audio_ready(2)
    for event in (whole, lacking):
        failed = AudioFailed(
            document_id=event.document_id,
            owner_id=event.owner_id,
            requested_by=event.requested_by,
            audio_id=event.audio_id,
            page=event.page,
            code="throttled",
            details=None,
        )
        async with synth.database.transaction() as connection:
            await append(connection, [failed], TRACEPARENT)
            if event is lacking:  # as if Kafka had lost it
                await connection.execute(delete(outbox))
        await synth.publish(event)
    parts = command(kafka_bootstrap, topic, "--from-beginning", "--gaps", "--count", "2")
    done = await completed(*parts)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if "lacks" in line] == [
        f"audio/{lacking.audio_id} of /lectern/synth lacks 1"
    ]
    assert done.stdout.count("ce_streamversion: 2") == 2


async def test_a_group_goes_on_where_it_was(kafka_bootstrap, topic, synth):
    group = ("--group", f"group-{uuid4().hex}", "--from-beginning", "--count", "1")
    event, later = audio_ready(1), audio_ready(2)
    await synth.publish(event)
    assert str(event.event_id) in await run(*command(kafka_bootstrap, topic, *group))
    await synth.publish(later)
    printed = await run(*command(kafka_bootstrap, topic, *group))
    assert printed.splitlines() == expected(later)


async def test_what_it_does_not_know_is_skipped_aloud(kafka_bootstrap, topic, synth, real_producer):
    event = audio_ready(1)
    key = str(event.document_id).encode()
    newer = json.dumps({**json.loads(event.encode()), "version": 2}).encode()
    for ce_type, value in (
        (b"audio.failed", b"{}"),
        (b"audio.ready", newer),
        (b"audio.ready", b"?"),
    ):
        raw = [("ce_id", uuid4().hex.encode()), ("ce_type", ce_type)]
        await real_producer.send_and_wait(topic, value, key, headers=raw)
    await synth.publish(event)
    parts = command(kafka_bootstrap, topic, "--from-beginning", "--count", "1")
    done = await asyncio.to_thread(
        subprocess.run, parts, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0
    assert done.stdout.splitlines() == expected(event)
    complaints = done.stderr.splitlines()
    assert "offset 0 skipped: ValueError it is audio.failed" in complaints[0]
    assert "offset 1 skipped: ValueError version 2 is newer" in complaints[1]
    assert "offset 2 skipped: JSONDecodeError" in complaints[2]


async def test_control_c_ends_it_cleanly(kafka_bootstrap, topic, synth):
    event = audio_ready(1)
    await synth.publish(event)
    process = await asyncio.create_subprocess_exec(
        *command(kafka_bootstrap, topic, "--from-beginning", "--group", f"group-{uuid4().hex}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        assert process.stdout is not None
        for line in expected(event):  # all printed: it waits for more now
            assert (await process.stdout.readline()).decode().rstrip() == line
        process.send_signal(signal.SIGINT)
        rest, complaints = await process.communicate()
    unclean = [word for word in UNCLEAN if word in complaints.decode()]
    assert (process.returncode, rest, unclean) == (0, b"", [])


async def test_no_broker_is_said_in_one_line():
    done = await asyncio.to_thread(
        subprocess.run,
        command("127.0.0.1:1", "audio.ready"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Kafka at 127.0.0.1:1: ")
    assert "Traceback" not in done.stderr


async def test_kcat_shows_the_same_headers(kafka_bootstrap, topic, synth):
    if shutil.which("kcat") is None:
        pytest.skip("no kcat on the PATH; apt-get install kcat")
    event = audio_ready(7)
    await synth.publish(event)
    form = "%k\\n%h\\n%s\\n"
    printed = await run(
        *("kcat", "-q", "-C", "-b", kafka_bootstrap, "-t", topic, "-o", "beginning", "-e"),
        *("-f", form),
    )
    key, headers, value = printed.splitlines()
    assert key == str(event.document_id)
    assert headers.split(",") == [
        line.strip().replace(": ", "=", 1) for line in expected(event)[1:]
    ]
    assert value.encode() == event.encode()
