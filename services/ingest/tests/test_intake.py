import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import (
    DETAILS,
    Chapter,
    PageText,
    ParsedDocument,
    SubmittedDocument,
)
from libs.common.contracts.documents import DocumentParsed, DocumentSubmitted, PageExtracted
from libs.common.database.engine import Database
from libs.common.errors import ObjectCorrupt, ObjectNotFound, Rejected, Unavailable
from libs.common.processing.job_kind import Job
from libs.common.storage.details import read_details
from libs.common.storage.folder import FolderStorage
from libs.common.storage.memory import MemoryStorage
from libs.common.store.event_store import append
from libs.common.store.history import History
from libs.common.store.tables import core
from libs.common.testing.costs.loop_watchdog import not_counted
from services.ingest import intake
from services.ingest.formats.markdown import read_markdown
from services.ingest.intake import Intake
from services.ingest.jobs import ReadJob, read_job
from services.ingest.pages.contents import MAX_BYTES
from services.ingest.pages.document import Item, Metadata, Page, ParsedChapter

DOCUMENT = UUID(int=7)
OWNER = UUID(int=1)
BASE = f"documents/{DOCUMENT}"
NONCE = "5e" * 16
FILE = b"what was uploaded"
FOUND = Metadata(title="Found title", language="en", media_type="text/plain")


@dataclass
class Script:
    """A parser that says what it was told to, and notes what it was given."""

    items: Sequence[Item | Exception]
    given: list[tuple[bytes, str | None]] = field(default_factory=list)

    async def parse(self, path, filename):
        self.given.append((path.read_bytes(), filename))
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            yield item


@dataclass
class Running:
    """A job; what it records is committed to the database in its batches."""

    database: Database
    storage: MemoryStorage | FolderStorage
    batches: list[list[Any]] = field(default_factory=list)

    async def record(self, effects):
        self.batches.append(list(effects))
        async with self.database.transaction() as connection:
            await append(connection, effects)

    async def job(self, submitted: SubmittedDocument) -> Job[ReadJob]:
        """Hand a document in: store its details, as the gateway does."""
        details = await self.storage.write(f"{BASE}/submitted.json", submitted.encode(), DETAILS)
        event = DocumentSubmitted(
            document_id=DOCUMENT,
            owner_id=OWNER,
            source_kind="file",
            details=details,
        )
        return Job(id=1, payload=read_job(event), attempt=1, record=self.record)

    @property
    def announced(self) -> list[int]:
        return [event.page for batch in self.batches for event in batch]


@pytest.fixture
async def database(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/ingest.db")
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
    yield database
    await database.close()


@pytest.fixture
def storage():
    return MemoryStorage({f"{BASE}/source": FILE})


@pytest.fixture
def running(database, storage):
    return Running(database, storage)


def uploaded(filename: str | None = "My book.txt", title: str | None = None) -> SubmittedDocument:
    stored = ObjectRef(
        key=f"{BASE}/source",
        sha256=sha256(FILE).hexdigest(),
        size=len(FILE),
        media_type="application/octet-stream",
    )
    return SubmittedDocument(nonce=NONCE, object=stored, filename=filename, title=title, url=None)


def pages(count):
    return [
        Page(number=n, markdown=f"Text of page {n}.\n", title="One", language="en")
        for n in range(1, count + 1)
    ]


@pytest.fixture
def read(storage, database, running):
    """Read a document of which a parser says ``items``; returns the last event."""

    async def read(*items, submitted=None):
        reader = Intake(storage=storage, history=History(database), parser=Script(items))
        [parsed] = await reader.parse(await running.job(submitted or uploaded()))
        assert isinstance(parsed, DocumentParsed)
        return parsed

    return read


@pytest.fixture
def told(read, storage):
    """Read a document likewise; returns the details that the last event refers to."""

    async def told(*items, **how):
        parsed = await read(*items, **how)
        assert parsed.details.media_type == DETAILS
        return await read_details(storage, parsed.details, ParsedDocument)

    return told


async def test_pages_are_stored_and_announced_in_their_order(read, running, storage, monkeypatch):
    monkeypatch.setattr(intake, "ANNOUNCE_EVERY_S", 60.0)
    parsed = await read(*pages(5), FOUND)
    assert running.announced == [1, 2, 3, 4, 5]
    first = running.batches[0][0]
    assert isinstance(first, PageExtracted)
    assert (first.text.key, first.text.media_type) == (f"{BASE}/pages/00001.r0.json", DETAILS)
    assert await read_details(storage, first.text, PageText) == PageText(
        nonce=NONCE, markdown="Text of page 1.\n", title="One"
    )
    assert (first.markdown_characters, first.language, first.owner_id) == (16, "en", OWNER)
    assert (parsed.page_count, parsed.markdown_characters, parsed.owner_id) == (5, 80, OWNER)


async def test_the_first_pages_are_announced_at_once_and_the_rest_together(
    read, running, monkeypatch
):
    monkeypatch.setattr(intake, "ANNOUNCE_EVERY_S", 60.0)
    monkeypatch.setattr(intake, "PAGES_AT_ONCE", 4)
    await read(*pages(9), FOUND)
    assert [len(batch) for batch in running.batches] == [1, 1, 4, 3]


async def test_after_a_while_what_waits_is_announced(read, running, monkeypatch):
    monkeypatch.setattr(intake, "ANNOUNCE_EVERY_S", -1.0)
    await read(*pages(4), FOUND)
    assert [len(batch) for batch in running.batches] == [1, 1, 1, 1]


async def test_a_reading_that_starts_anew_skips_what_was_announced(read, running, storage):
    with pytest.raises(Unavailable):
        await read(*pages(2), Unavailable("the worker died"))
    storage.objects[f"{BASE}/pages/00001.r0.json"] = b"as announced"
    parsed = await read(*pages(4), FOUND)
    assert running.announced == [1, 2, 3, 4]
    assert storage.objects[f"{BASE}/pages/00001.r0.json"] == b"as announced"
    assert (parsed.page_count, parsed.markdown_characters) == (4, 64)


async def test_the_parser_gets_the_file_under_its_name(storage, database, running):
    script = Script([*pages(1), FOUND])
    await Intake(storage=storage, history=History(database), parser=script).parse(
        await running.job(uploaded())
    )
    assert script.given == [(FILE, "My book.txt")]


class Overwriting(Script):
    """A parser that a hostile file has taken over."""

    async def parse(self, path, filename):
        path.write_bytes(b"something else")
        async for item in super().parse(path, filename):
            yield item


async def test_a_parser_never_has_the_stored_file_itself(database, tmp_path):
    storage = FolderStorage(tmp_path / "objects")
    await storage.write(f"{BASE}/source", FILE)
    script = Overwriting([*pages(1), FOUND])
    reader = Intake(storage=storage, history=History(database), parser=script)
    await reader.parse(await Running(database, storage).job(uploaded()))
    assert script.given == [(b"something else", "My book.txt")]
    assert await storage.read(f"{BASE}/source") == FILE


async def test_a_source_that_is_not_what_was_recorded_is_not_read(read, storage, running):
    storage.objects[f"{BASE}/source"] = b"what came later"
    with pytest.raises(ObjectCorrupt):
        await read(*pages(1), FOUND)
    assert running.batches == []


async def test_the_title_is_the_owners_or_the_one_that_was_found_or_that_of_the_file(told):
    named, given = uploaded("My_file.txt"), uploaded("My_file.txt", "Given")
    assert (await told(*pages(1), FOUND, submitted=given)).title == "Given"
    assert (await told(*pages(1), FOUND, submitted=named)).title == "Found title"
    assert (await told(*pages(1), Metadata(title=""), submitted=named)).title == "My file"


PICTURE = b"\x89PNG\r\n\x1a\n"


async def test_what_was_found_is_told(read, storage):
    parsed = await read(
        *pages(2),
        Metadata(
            title="T",
            author="Ida Berg",
            language="de",
            media_type="application/epub+zip",
            cover=PICTURE,
            chapters=(ParsedChapter("One", 1), ParsedChapter("Two", 2, level=2)),
            warnings=("A page is missing.",),
        ),
    )
    assert (parsed.language, parsed.media_type) == ("de", "application/epub+zip")
    assert parsed.chapter_count == 2
    assert parsed.details.key == f"{BASE}/parsed.json"
    details = await read_details(storage, parsed.details, ParsedDocument)
    assert (details.author, details.nonce) == ("Ida Berg", NONCE)
    assert details.chapters == (
        Chapter(title="One", first_page=1, level=1),
        Chapter(title="Two", first_page=2, level=2),
    )
    assert details.warnings == ("A page is missing.",)
    assert details.cover is not None
    assert (details.cover.key, details.cover.media_type) == (f"{BASE}/cover", "image/png")
    assert storage.objects[details.cover.key] == PICTURE


SECRET = "Sesame-öffne-dich"
SECRETIVE = Metadata(
    title=f"Found {SECRET}",
    author=f"Author {SECRET}",
    language=f"Language {SECRET}",
    media_type=f"text/plain; name={SECRET}",
    cover=PICTURE + SECRET.encode(),
    chapters=(ParsedChapter(f"Chapter {SECRET}", 1),),
    warnings=(f"Warning {SECRET}",),
)
SECRET_PAGE = Page(
    number=1, markdown=f"Text {SECRET}", title=f"Chapter {SECRET}", language=f"de {SECRET}"
)


@pytest.mark.parametrize(
    ("submitted", "title"),
    [
        (uploaded(f"File {SECRET}.txt", f"Given {SECRET}"), f"Given {SECRET}"),
        (uploaded(f"File {SECRET}.txt"), f"Found {SECRET}"),
    ],
)
async def test_what_people_wrote_is_in_objects_and_in_no_event(
    read, running, storage, submitted, title
):
    parsed = await read(SECRET_PAGE, SECRETIVE, submitted=submitted)
    [[extracted]] = running.batches
    assert "esame" not in (await running.job(submitted)).payload.model_dump_json()
    for event in (extracted, parsed):
        assert b"esame" not in event.encode()
        assert "esame" not in event.key + event.stream
    assert (extracted.language, parsed.language) == ("und", "und")
    assert parsed.media_type == "application/octet-stream"
    page = await read_details(storage, extracted.text, PageText)
    assert (page.markdown, page.title) == (SECRET_PAGE.markdown, SECRET_PAGE.title)
    details = await read_details(storage, parsed.details, ParsedDocument)
    assert (details.title, details.author) == (title, SECRETIVE.author)
    assert [chapter.title for chapter in details.chapters] == [f"Chapter {SECRET}"]
    assert details.warnings == SECRETIVE.warnings
    assert details.cover is not None
    assert details.cover.media_type == "image/png"
    assert storage.objects[details.cover.key] == SECRETIVE.cover


async def test_the_name_of_a_file_is_in_its_details_only(read, running, storage):
    nameless = Metadata(title="")
    parsed = await read(*pages(1), nameless, submitted=uploaded(f"{SECRET}.html"))
    assert b"esame" not in parsed.encode()
    details = await read_details(storage, parsed.details, ParsedDocument)
    assert details.title == SECRET


async def test_every_object_that_an_event_refers_to_has_the_nonce_of_the_submission(read, storage):
    await read(*pages(5), FOUND)
    written = [key for key in storage.objects if key.endswith(".json")]
    assert len(written) == 5 + 2
    assert {json.loads(storage.objects[key])["nonce"] for key in written} == {NONCE}


async def test_a_job_that_is_run_again_writes_the_same_bytes(read, storage, database):
    found = SECRETIVE
    first = await read(*pages(3), found)
    before = dict(storage.objects)
    async with database.transaction() as connection:
        for table in reversed(core.sorted_tables):  # as if nothing had been announced
            await connection.execute(table.delete())
    second = await read(*pages(3), found)
    assert second.encode() == first.encode()
    assert storage.objects == before
    assert len(before) == 3 + 4  # source, submission, cover, what was found


@pytest.mark.slow
async def test_a_file_of_thousands_of_headings_is_told_in_bounds(read, storage):
    title = "of the dictionary, " * 3
    text = "".join(f"# Entry {n} {title}\n\nA short text of it.\n\n" for n in range(9000))
    with not_counted():
        items = list(read_markdown(text, "lexicon.md"))
    parsed = await read(*items)
    assert parsed.page_count == 9000
    assert len(parsed.encode()) < 1000
    details = await read_details(storage, parsed.details, ParsedDocument)
    assert details.chapters[0].title.startswith("Entry 0 ")
    assert 1000 < len(details.chapters) <= 2000
    assert len(details.chapters) == parsed.chapter_count
    assert len(details.encode()) < MAX_BYTES * 1.1


async def test_a_cover_of_no_known_kind_is_left_out(told, storage):
    assert (await told(*pages(1), Metadata(title="T", cover=b"?"))).cover is None
    assert f"{BASE}/cover" not in storage.objects


@pytest.mark.parametrize("items", [[], [FOUND], pages(1)])
async def test_a_document_without_text_or_end_is_refused(read, items):
    with pytest.raises(Rejected) as caught:
        await read(*items)
    assert caught.value.code == "empty"


async def test_what_the_parser_refuses_is_refused(read, running):
    with pytest.raises(Rejected) as caught:
        await read(*pages(1), Rejected("damaged", "The file is damaged."))
    assert caught.value.code == "damaged"
    assert running.announced == [1]


async def test_a_submission_of_nothing_is_refused(read):
    with pytest.raises(Rejected) as caught:
        await read(
            submitted=SubmittedDocument(object=None, url="https://a", filename=None, title=None)
        )
    assert caught.value.code == "no_source"


async def test_an_upload_that_is_gone_is_told(read, storage):
    storage.objects.clear()
    with pytest.raises(ObjectNotFound):
        await read(*pages(1), FOUND)


async def test_a_submission_that_is_gone_or_damaged_is_told(storage, database, running):
    reader = Intake(storage=storage, history=History(database), parser=Script(pages(1)))
    job = await running.job(uploaded())
    storage.objects[job.payload.details.key] += b" "
    with pytest.raises(ObjectCorrupt):
        await reader.parse(job)
    await storage.delete(job.payload.details.key)
    with pytest.raises(ObjectNotFound):
        await reader.parse(job)
