import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from libs.common.contracts.details import DETAILS, PageText, SubmittedDocument
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentParsed,
    DocumentRetried,
    DocumentSubmitted,
    PageExtracted,
)
from libs.common.errors import Rejected, Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.processing.erasing import ERASE, EraseJob, Eraser
from libs.common.processing.job_kind import Job
from libs.common.processing.worker import Worker
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import apply
from libs.common.store.history import History
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.tables import jobs
from services.ingest.handlers import deleted, submitted
from services.ingest.intake import Intake
from services.ingest.jobs import FETCH, PARSE, read_job
from services.ingest.pages.document import Metadata, Page
from services.ingest.web_documents import WebDocuments

DOCUMENT = UUID(int=7)
OWNER = UUID(int=1)
BASE = f"documents/{DOCUMENT}"
NONCE = "5e" * 16
SECRET = "sesame"
URL = f"https://example.org/{SECRET}"
DELETED = DocumentDeleted(document_id=DOCUMENT, owner_id=OWNER, deleted_by=OWNER)


@dataclass
class Web:
    """A page that is another one at every look."""

    looks: int = 0
    filename: str | None = "a.html"
    waiting: list[asyncio.Event] = field(default_factory=list)

    async def fetch(self, url, path):
        self.looks += 1
        look = self.looks
        if self.waiting:
            await self.waiting.pop(0).wait()
        path.write_bytes(f"Version {look} of {url}".encode())
        return self.filename


@dataclass
class Stumbling:
    """A parser of two pages that has to be started again after the first one."""

    stumbles: int = 1
    names: list[str | None] = field(default_factory=list)

    async def parse(self, path, filename):
        self.names.append(filename)
        text = path.read_text()
        yield Page(number=1, markdown=f"{text}, page 1", title=None, language="en")
        if self.stumbles:
            self.stumbles -= 1
            raise Unavailable("the worker died")
        yield Page(number=2, markdown=f"{text}, page 2", title=None, language="en")
        yield Metadata(title="Found", language="en", media_type="text/html")


@pytest.fixture
def storage():
    return MemoryStorage()


@pytest.fixture
async def event(storage):
    """A web address that was handed in; its details are stored."""
    details = SubmittedDocument(nonce=NONCE, url=URL, object=None, filename=None, title=None)
    ref = await storage.write(f"{BASE}/submitted.json", details.encode(), DETAILS)
    return DocumentSubmitted(document_id=DOCUMENT, owner_id=OWNER, source_kind="url", details=ref)


@pytest.fixture
def take(database):
    async def take(effects):
        async with database.transaction() as connection:
            await apply(connection, effects, None)

    return take


async def never(effects):
    raise AssertionError("fetching records nothing on the way")


def job_for(event):
    return Job(id=1, payload=read_job(event), attempt=1, record=never)


async def parsing(database) -> list[Any]:
    async with database.reading() as connection:
        found = await connection.execute(
            select(jobs).where(jobs.c.kind == PARSE.name).order_by(jobs.c.id)
        )
        return [PARSE.read(job.payload) for job in found]


async def test_what_came_is_recorded_with_its_digest(storage, event, take, database):
    web = WebDocuments(storage=storage, history=History(database), fetcher=Web())
    await take(await web.fetch(job_for(event)))
    [parse] = await parsing(database)
    assert (parse.document_id, parse.owner_id) == (DOCUMENT, OWNER)
    came = await read_details(storage, parse.details, SubmittedDocument)
    text = f"Version 1 of {URL}".encode()
    assert came.object is not None
    assert (came.object.sha256, came.object.size) == (sha256(text).hexdigest(), len(text))
    assert storage.objects[came.object.key] == text
    assert (came.nonce, came.filename, came.url) == (NONCE, "a.html", None)
    assert all(key.startswith(f"{BASE}/") for key in storage.objects)
    assert SECRET not in parse.model_dump_json()


async def test_two_workers_that_fetch_disagree_and_one_version_is_read(
    storage, event, take, database
):
    """The first one loses its lease while the website is slow, and stores what it got last."""
    slow = asyncio.Event()
    pages = Web(waiting=[slow])
    web = WebDocuments(storage=storage, history=History(database), fetcher=pages)
    lost = asyncio.create_task(web.fetch(job_for(event)))
    await asyncio.sleep(0)
    while not pages.looks:
        await asyncio.sleep(0)
    await take(await web.fetch(job_for(event)))
    slow.set()
    await lost  # its effects are refused with its lease
    [parse] = await parsing(database)
    came = await read_details(storage, parse.details, SubmittedDocument)
    assert came.object is not None
    assert storage.objects[came.object.key] == f"Version 2 of {URL}".encode()
    versions = {data for data in storage.objects.values() if data.startswith(b"Version")}
    assert len(versions) == 2


async def test_a_document_that_was_deleted_meanwhile_is_not_parsed(storage, event, take, database):
    effects = await WebDocuments(storage=storage, history=History(database), fetcher=Web()).fetch(
        job_for(event)
    )
    await take(
        await deleted(DocumentDeleted(document_id=DOCUMENT, owner_id=OWNER, deleted_by=None))
    )
    await take(effects)
    assert await parsing(database) == []


def retry_of(event):
    about = {name: getattr(event, name) for name in ("document_id", "owner_id", "source_kind")}
    return DocumentRetried(**about, details=event.details, attempt=2, retried_by=OWNER)


async def announce(database, page):
    async with database.transaction() as connection:
        await apply(connection, [page], None)


async def test_an_address_is_fetched_again_if_nothing_was_read(storage, event, take, database):
    """What came was an error page, perhaps."""
    web = WebDocuments(storage=storage, history=History(database), fetcher=Web())
    await web.fetch(job_for(event))
    await take(await web.fetch(job_for(retry_of(event))))
    [parse] = await parsing(database)
    came = await read_details(storage, parse.details, SubmittedDocument)
    assert came.object is not None
    assert storage.objects[came.object.key] == f"Version 2 of {URL}".encode()
    assert parse.attempt == 2


async def test_what_pages_were_announced_of_is_read_again(storage, event, take, database):
    """A second look at the address could be another text: its pages would not fit the first."""
    web = WebDocuments(storage=storage, history=History(database), fetcher=Web())
    await web.fetch(job_for(event))
    text = await storage.write(f"{BASE}/pages/00001.r0.json", b"{}", DETAILS)
    page = {"page": 1, "text": text, "markdown_characters": 2, "language": "en"}
    await announce(database, PageExtracted(document_id=DOCUMENT, owner_id=OWNER, **page))
    await take(await web.fetch(job_for(retry_of(event))))
    [parse] = await parsing(database)
    came = await read_details(storage, parse.details, SubmittedDocument)
    assert came.object is not None
    assert storage.objects[came.object.key] == f"Version 1 of {URL}".encode()

    await web.fetch(job_for(event))  # as another worker does that was thought to be dead
    with pytest.raises(Rejected) as caught:
        await web.fetch(job_for(retry_of(event)))
    assert caught.value.code == "fetched_twice"


async def test_a_submission_of_no_address_is_refused(storage, event, database):
    nothing = SubmittedDocument(nonce=NONCE, url=None, object=None, filename=None, title=None)
    ref = await storage.write(f"{BASE}/submitted.json", nothing.encode(), DETAILS)
    with pytest.raises(Rejected) as caught:
        await WebDocuments(storage=storage, history=History(database), fetcher=Web()).fetch(
            job_for(event.model_copy(update={"details": ref}))
        )
    assert caught.value.code == "no_source"


@pytest.fixture
def working(database, storage):
    """Run the worker of both kinds until nothing is left."""

    async def working(web, parser):
        intake = Intake(storage=storage, history=History(database), parser=parser)
        documents = WebDocuments(storage=storage, history=History(database), fetcher=web)
        worker = Worker(
            database=database,
            storage=storage,
            service="ingest",
            routes=[
                FETCH.done_by(documents.fetch),
                PARSE.done_by(intake.parse),
                ERASE.done_by(Eraser(storage, 600.0).erase),
            ],
            metrics=Metrics("ingest"),
            lease_ms=30_000,
            poll_interval_s=0.02,
        )
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(60):
            while await live():
                await asyncio.sleep(0.02)
                await soon()
        worker.drain()
        await running

    def due():
        return jobs.c.kind != ERASE.name

    async def live():
        async with database.reading() as connection:
            return (await connection.execute(select(jobs.c.id).where(due()))).all()

    async def soon():
        async with database.transaction() as connection:
            await connection.execute(
                update(jobs).where(jobs.c.status == "waiting", due()).values(run_at_ms=0)
            )

    return working


@pytest.mark.slow
async def test_addresses_that_never_answer_hold_no_file_up(storage, event, take, database, working):
    for number in range(40):
        silent = event.model_copy(update={"document_id": UUID(int=100 + number)})
        await take(await submitted(silent))
    text = await storage.write(f"{BASE}/source.0", b"A file")
    details = SubmittedDocument(nonce=NONCE, url=None, object=text, filename="a", title=None)
    ref = await storage.write(f"{BASE}/file.json", details.encode(), DETAILS)
    file = event.model_copy(update={"source_kind": "file", "details": ref})
    await take(await submitted(file))
    silence = [asyncio.Event() for _ in range(40)]
    web = Web(waiting=list(silence))
    running = asyncio.create_task(working(web, Stumbling(stumbles=0)))
    history, stream = History(database), DocumentParsed.stream_of(document_id=DOCUMENT)
    async with asyncio.timeout(60):
        while not await history.of(stream, DocumentParsed):
            await asyncio.sleep(0.02)
    assert web.looks == 1, "the only slot for web addresses is taken"
    for website in silence:
        website.set()
    await running


@pytest.mark.slow
async def test_a_job_that_is_tried_again_reads_the_same_version(
    storage, event, take, database, working
):
    web, parser = Web(), Stumbling()
    await take(await submitted(event))
    await working(web, parser)
    assert web.looks == 1
    assert parser.names == ["a.html", "a.html"]
    stream = PageExtracted.stream_of(document_id=DOCUMENT)
    announced = await History(database).of(stream, PageExtracted)
    texts = [(await read_details(storage, page.text, PageText)).markdown for page in announced]
    assert texts == [f"Version 1 of {URL}, page {number}" for number in (1, 2)]


@pytest.mark.slow
async def test_what_was_fetched_is_erased_with_the_document(storage, event, take, working):
    await take(await submitted(event))
    await working(Web(), Stumbling(stumbles=0))
    assert any(data.startswith(b"Version") for data in storage.objects.values())
    erasing = await deleted(DELETED)
    await take(erasing)
    eraser = Eraser(storage, 600.0)
    for effect in erasing:
        if isinstance(effect, NewJob):
            assert isinstance(effect.payload, EraseJob)
            await eraser.erase(Job(id=2, payload=effect.payload, attempt=1, record=never))
    assert storage.objects == {}
