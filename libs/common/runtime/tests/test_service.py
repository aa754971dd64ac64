"""A service with one route and one job, on the embedded broker and SQLite."""

import asyncio
import contextlib
import re
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from pydantic import BaseModel
from sqlalchemy import func, select

from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.database.engine import Database
from libs.common.kafka.broker import producer
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import JobKind
from libs.common.processing.routes import on
from libs.common.processing.time_limits import TimeLimits
from libs.common.runtime.service import Service
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import CommonSettings, ServiceSettings
from libs.common.storage.build import open_storage
from libs.common.store.migrate import upgrade
from libs.common.store.tables import events, inbox
from libs.common.testing.records import record

MIGRATIONS = Path(__file__).resolve().parents[4] / "services" / "segmenter" / "migrations"
TOPICS = {
    "document.deleted": 1,
    "document.rejected": 1,
    "document.deleted.porter.dlq": 1,
}
EVENTUALLY_S = 30.0
STOPS_WITHIN_S = 1.0
SHORT_SESSION_MS = 1500
"""The embedded broker lets a successor into a group this long, less a second, after it was left."""


class Letter(BaseModel):
    document_id: UUID
    owner_id: UUID


LETTER = JobKind(name="letter", payload=Letter, limits=TimeLimits(soft_s=60, hard_s=90))


class Porter:
    """Answers a deletion by a job, and the job by a rejection; a closed gate holds jobs up."""

    def __init__(self, folder: Path, bootstrap: str) -> None:
        self.folder = folder
        self.bootstrap = bootstrap
        self.gate = asyncio.Event()
        self.gate.set()
        self.working = asyncio.Event()
        self.log: list[str] = []
        self.common = CommonSettings(
            kafka_bootstrap_servers=bootstrap,
            storage_url=f"file://{folder}/objects",
            session_timeout_ms=SHORT_SESSION_MS,
            log_level="WARNING",
        )
        self.database_url = f"sqlite+aiosqlite:///{folder}/porter.db"

    async def handle(self, event):
        letter = Letter(document_id=event.document_id, owner_id=event.owner_id)
        return [LETTER.new(letter, subject=str(event.document_id))]

    async def run(self, job):
        self.working.set()
        await self.gate.wait()
        about = job.payload
        return [
            DocumentRejected(
                document_id=about.document_id, owner_id=about.owner_id, code="x", details=None
            )
        ]

    @contextlib.asynccontextmanager
    async def resource(self):
        self.log.append("entered")
        try:
            yield
        finally:
            self.log.append("left")

    async def start(self):
        self.log.append("starting")

    def service(self, *, migrate=True, **options):
        parts = ServiceParts(
            name="porter",
            migrations=MIGRATIONS,
            publishes=[DocumentRejected],
            routes=[on(DocumentDeleted, self.handle)],
            work=[LETTER.done_by(self.run)],
            settings=ServiceSettings(database_url=self.database_url, http_port=0),
            common=self.common,
            database=Database(self.database_url),
            storage=open_storage(self.common.storage_url),
            metrics=Metrics("porter"),
            resources=[self.resource()],
            starting=self.start,
            **options,
        )
        return Service(parts=parts, migrate=migrate)

    @contextlib.asynccontextmanager
    async def running(self):
        """A service that is ready; stopped at the end."""
        service = self.service()
        await service.start()
        try:
            async with asyncio.timeout(EVENTUALLY_S):
                await service.ready.wait()
            yield service
        finally:
            await service.stop()

    async def send(self, *sent):
        """Put events on the broker, as the relay of another service does."""
        connected = producer(self.common)
        await connected.start()
        try:
            for event in sent:
                made = record(event)
                await connected.send_and_wait(
                    made.topic, made.value, made.key, headers=made.headers
                )
        finally:
            await connected.stop()

    async def count(self, table):
        database = Database(self.database_url)
        async with database.reading() as connection:
            found = await connection.scalar(select(func.count()).select_from(table))
        await database.close()
        return found


@pytest.fixture
def porter(tmp_path, embedded_kafka):
    """The service to be, on a broker that has its topics."""
    return Porter(tmp_path, embedded_kafka(TOPICS))


@contextlib.asynccontextmanager
async def answers(bootstrap):
    """Whatever is published on document.rejected."""
    reader = AIOKafkaConsumer(
        "document.rejected", bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    )
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


async def page(service, path):
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{service.port}{path}")


async def readiness(service):
    """The HTTP status, the word, and the sentence of every check."""
    answer = await page(service, "/health/ready/")
    body = answer.json()
    return answer.status_code, body["status"], {k: v["message"] for k, v in body["checks"].items()}


async def says(service, check, sentence):
    """Wait until a check of the service says something."""
    async with asyncio.timeout(EVENTUALLY_S):
        while not re.search(sentence, (await readiness(service))[2][check]):
            await asyncio.sleep(0.05)


def deleted():
    return DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())


async def test_an_event_leads_to_a_job_and_its_answer_to_the_broker(porter):
    event = deleted()
    async with porter.running() as service, answers(porter.bootstrap) as published:
        assert (await readiness(service))[:2] == (200, "ready")
        await porter.send(event)
        async with asyncio.timeout(EVENTUALLY_S):
            record = await published.getone()
        metrics = (await page(service, "/metrics")).text
    answer = DocumentRejected.model_validate_json(record.value)
    assert (answer.document_id, answer.code) == (event.document_id, "x")
    headers = dict(record.headers)
    assert headers["ce_source"] == b"/lectern/porter"
    assert headers["ce_stream"] == answer.stream.encode()
    assert headers["ce_streamversion"] == b"1"
    assert re.search(r'events_consumed_total\{.*outcome="handled".*\} 1\.0', metrics)
    assert re.search(r"consumer_up\{.*\} 1\.0", metrics)
    assert re.search(r"events_appended_total\{.*\} 1\.0", metrics)
    assert porter.log == ["entered", "starting", "left"]
    assert not service.failed


@pytest.mark.slow
async def test_stays_ready_and_tells_what_is_paused_at_an_event_that_is_too_new(porter):
    newer = record(deleted(), value=b'{"version": 99}')
    async with porter.running() as service:
        connected = producer(porter.common)
        async with connected:
            await connected.send_and_wait(
                newer.topic, newer.value, newer.key, headers=newer.headers
            )
        await says(service, "broker", r"paused at .* document\.deleted \(partition 0, offset 0\)")
        assert (await readiness(service))[:2] == (200, "ready")
        metrics = (await page(service, "/metrics")).text
    assert re.search(r'partitions_paused\{.*topic="document.deleted".*\} 1\.0', metrics)
    assert await porter.count(inbox) == 0


@pytest.mark.alone
async def test_stops_at_once_when_there_is_nothing_to_do(porter):
    async with porter.running() as service:
        async with asyncio.timeout(STOPS_WITHIN_S):
            await service.stop()
        with pytest.raises(httpx.ConnectError):
            await page(service, "/health/live/")


async def test_is_alive_but_not_ready_while_it_finishes_its_work(porter):
    porter.gate.clear()
    async with porter.running() as service:
        await porter.send(deleted())
        async with asyncio.timeout(EVENTUALLY_S):
            await porter.working.wait()
        stopping = asyncio.create_task(service.stop())
        await service.stopping.wait()
        assert (await readiness(service))[:2] == (503, "not_ready")
        assert (await page(service, "/health/live/")).status_code == 200
        assert not stopping.done()
        porter.gate.set()
        await stopping
    async with answers(porter.bootstrap) as published, asyncio.timeout(EVENTUALLY_S):
        assert (await published.getone()).topic == "document.rejected"


async def test_waits_for_its_tables_and_says_what_to_do(porter):
    service = porter.service(migrate=False)
    await service.start()
    try:
        await says(service, "config", "no tables yet: run `lectern migrate`")
        assert (await readiness(service))[:2] == (503, "not_ready")
        database = Database(porter.database_url)
        await upgrade(database, MIGRATIONS)
        await database.close()
        async with asyncio.timeout(EVENTUALLY_S):
            await service.ready.wait()
    finally:
        await service.stop()


async def test_waits_for_its_topics_and_says_what_to_do(tmp_path, embedded_kafka):
    porter = Porter(tmp_path, embedded_kafka({"document.deleted": 1}))
    service = porter.service()
    await service.start()
    try:
        await says(service, "broker", "1 topics are missing: run `lectern topics create`")
        assert not service.ready.is_set()
        assert (await readiness(service))[:2] == (503, "not_ready")
    finally:
        await service.stop()


async def test_goes_on_after_a_restart_and_doubles_nothing(porter):
    first, second = deleted(), deleted()
    async with answers(porter.bootstrap) as published:
        async with porter.running():
            await porter.send(first)
            async with asyncio.timeout(EVENTUALLY_S):
                told = [DocumentRejected.model_validate_json((await published.getone()).value)]
        await porter.send(first, second)  # a relay may send again what it has sent
        async with porter.running(), asyncio.timeout(EVENTUALLY_S):
            told.append(DocumentRejected.model_validate_json((await published.getone()).value))
    assert [answer.document_id for answer in told] == [first.document_id, second.document_id]
    assert await porter.count(events) == await porter.count(inbox) == 2


async def test_a_start_that_cannot_succeed_ends_the_service(porter):
    async def broken():
        raise LookupError("no such thing")

    service = porter.service()
    service.parts.starting = broken
    async with asyncio.timeout(EVENTUALLY_S):
        assert await service.run_until_stopped() == 1
    assert service.failed


async def status_of(port, path):
    async with httpx.AsyncClient() as http:
        return (await http.get(f"http://127.0.0.1:{port}{path}")).status_code


@pytest.mark.slow
async def test_metrics_have_a_port_of_their_own_where_that_is_set(tmp_path):
    porter = Porter(tmp_path, "127.0.0.1:1")
    porter.common = porter.common.model_copy(update={"metrics_port": 0})
    service = porter.service()
    await service.start()
    try:
        assert service.metrics_port != service.port
        assert await status_of(service.metrics_port, "/metrics") == 200
        assert await status_of(service.port, "/metrics") == 404
        assert await status_of(service.port, "/health/live/") == 200
        assert await status_of(service.metrics_port, "/health/live/") == 404
    finally:
        await service.stop()


@pytest.mark.slow
async def test_a_process_that_does_not_work_needs_no_broker(tmp_path):
    service = Porter(tmp_path, "127.0.0.1:1").service(works=False)
    await service.start()
    try:
        await asyncio.wait_for(service.ready.wait(), EVENTUALLY_S)
        async with httpx.AsyncClient() as http:
            base = f"http://127.0.0.1:{service.port}"
            ready = await http.get(f"{base}/health/ready/")
            metrics = (await http.get(f"{base}/metrics")).text
        assert ready.status_code == 200
        assert ready.json()["checks"]["broker"] == {"status": "ok", "message": "not used"}
        assert re.search(r'consumer_up\{service="porter"\} NaN', metrics)
    finally:
        await service.stop()
