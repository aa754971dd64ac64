from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import (
    Chapter,
    DocumentParsed,
    DocumentSubmitted,
    PageExtracted,
    Source,
)
from libs.common.database.engine import Database
from libs.common.errors import ObjectNotFound, Rejected, Unavailable
from libs.common.processing.job_kind import Job
from libs.common.storage.folder import FolderStorage
from libs.common.storage.memory import MemoryStorage
from libs.common.store.event_store import MAX_EVENT_BYTES, append
from libs.common.store.history import History
from libs.common.store.tables import core
from services.ingest import intake
from services.ingest.formats.markdown import read_markdown
from services.ingest.intake import Intake
from services.ingest.pages.document import Item, Metadata, Page, ParsedChapter

DOCUMENT = UUID(int=7)
OWNER = UUID(int=1)
BASE = f"documents/{DOCUMENT}"
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
class Web:
    """A fetcher with one page."""

    filename: str | None = None

    async def fetch(self, url, path):
        path.write_bytes(f"page at {url}".encode())
        return self.filename


@dataclass
class Running:
    """A job; what it records is committed to the database in its batches."""

    database: Database
    batches: list[list[Any]] = field(default_factory=list)

    async def record(self, effects):
        self.batches.append(list(effects))
        async with self.database.transaction() as connection:
            await append(connection, effects)

    def job(self, source: Source, title: str | None = None) -> Job[DocumentSubmitted]:
        submitted = DocumentSubmitted(
            document_id=DOCUMENT, owner_id=OWNER, source=source, title=title
        )
        return Job(id=1, payload=submitted, attempt=1, record=self.record)

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
def running(database):
    return Running(database)


def uploaded(filename: str | None = "My book.txt") -> Source:
    stored = ObjectRef(key=f"{BASE}/source", sha256="0" * 64, size=len(FILE))
    return Source(kind="file", object=stored, filename=filename)


def pages(count):
    return [
        Page(number=n, markdown=f"Text of page {n}.\n", title="One", language="en")
        for n in range(1, count + 1)
    ]


@pytest.fixture
def read(storage, database, running):
    """Read a document of which a parser says ``items``; returns the last event."""

    async def read(*items, source=None, title=None, web=None):
        reader = Intake(
            storage=storage, history=History(database), parser=Script(items), fetcher=web or Web()
        )
        [parsed] = await reader.parse(running.job(source or uploaded(), title))
        assert isinstance(parsed, DocumentParsed)
        return parsed

    return read


async def test_pages_are_stored_and_announced_in_their_order(read, running, storage, monkeypatch):
    monkeypatch.setattr(intake, "ANNOUNCE_EVERY_S", 60.0)
    parsed = await read(*pages(5), FOUND)
    assert running.announced == [1, 2, 3, 4, 5]
    first = running.batches[0][0]
    assert isinstance(first, PageExtracted)
    assert first.text.key == f"{BASE}/pages/00001.r0.md"
    assert storage.objects[first.text.key] == b"Text of page 1.\n"
    assert (first.characters, first.language, first.title) == (16, "en", "One")
    assert (parsed.pages, parsed.characters) == (5, 80)


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
    storage.objects[f"{BASE}/pages/00001.r0.md"] = b"as announced"
    parsed = await read(*pages(4), FOUND)
    assert running.announced == [1, 2, 3, 4]
    assert storage.objects[f"{BASE}/pages/00001.r0.md"] == b"as announced"
    assert (parsed.pages, parsed.characters) == (4, 64)


async def test_the_parser_gets_the_file_under_its_name(storage, database, running):
    script = Script([*pages(1), FOUND])
    await Intake(storage=storage, history=History(database), parser=script, fetcher=Web()).parse(
        running.job(uploaded())
    )
    assert script.given == [(FILE, "My book.txt")]


async def test_a_web_page_is_kept_as_it_was_fetched(storage, database, running):
    script = Script([*pages(1), FOUND])
    source = Source(kind="url", url="https://example.org/a")
    reader = Intake(
        storage=storage, history=History(database), parser=script, fetcher=Web("a.html")
    )
    await reader.parse(running.job(source))
    assert script.given == [(b"page at https://example.org/a", "a.html")]
    assert storage.objects[f"{BASE}/source"] == b"page at https://example.org/a"


class Overwriting(Script):
    """A parser that a hostile file has taken over."""

    async def parse(self, path, filename):
        path.write_bytes(b"something else")
        async for item in super().parse(path, filename):
            yield item


async def test_a_parser_never_has_the_stored_file_itself(database, running, tmp_path):
    storage = FolderStorage(tmp_path / "objects")
    await storage.write("first", b"")  # makes the folders, so that files can be linked
    script = Overwriting([*pages(1), FOUND])
    source = Source(kind="url", url="https://example.org/a")
    await Intake(
        storage=storage, history=History(database), parser=script, fetcher=Web("a.html")
    ).parse(running.job(source))
    assert script.given == [(b"something else", "a.html")]
    assert await storage.read(f"{BASE}/source") == b"page at https://example.org/a"


async def test_the_title_is_the_owners_or_the_one_that_was_found_or_that_of_the_file(read):
    file = uploaded("My_file.txt")
    assert (await read(*pages(1), FOUND, source=file, title="Given")).title == "Given"
    assert (await read(*pages(1), FOUND, source=file)).title == "Found title"
    assert (await read(*pages(1), Metadata(title=""), source=file)).title == "My file"


async def test_what_was_found_is_told(read, storage):
    parsed = await read(
        *pages(2),
        Metadata(
            title="T",
            author="Ida Berg",
            language="de",
            media_type="application/epub+zip",
            cover=b"a picture",
            cover_media_type="image/png",
            chapters=(ParsedChapter("One", 1), ParsedChapter("Two", 2, level=2)),
            warnings=("A page is missing.",),
        ),
    )
    assert (parsed.author, parsed.language) == ("Ida Berg", "de")
    assert parsed.media_type == "application/epub+zip"
    assert parsed.chapters == (
        Chapter(title="One", first_page=1),
        Chapter(title="Two", first_page=2, level=2),
    )
    assert parsed.warnings == ("A page is missing.",)
    assert (parsed.cover.key, parsed.cover.media_type) == (f"{BASE}/cover", "image/png")
    assert storage.objects[parsed.cover.key] == b"a picture"


@pytest.mark.slow
async def test_a_file_of_thousands_of_headings_is_told_in_one_event(read):
    title = "of the dictionary, " * 3
    text = "".join(f"# Entry {n} {title}\n\nA short text of it.\n\n" for n in range(9000))
    parsed = await read(*read_markdown(text, "lexicon.md"))
    assert parsed.pages == 9000
    assert parsed.chapters[0].title.startswith("Entry 0 ")
    assert 1000 < len(parsed.chapters) <= 2000
    assert len(parsed.encode()) < MAX_EVENT_BYTES * 0.6


async def test_a_cover_of_no_known_kind_is_left_out(read, storage):
    assert (await read(*pages(1), Metadata(title="T", cover=b"?"))).cover is None
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
        await read(source=Source(kind="text"))
    assert caught.value.code == "no_source"


async def test_an_upload_that_is_gone_is_told(read, storage):
    storage.objects.clear()
    with pytest.raises(ObjectNotFound):
        await read(*pages(1), FOUND)
