import asyncio
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import String, select, update

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.details import PageText, SubmittedDocument
from libs.common.contracts.documents import DocumentDeleted, DocumentSubmitted, PageEdited
from libs.common.errors import Conflict, Rejected, Unavailable
from libs.common.storage.details import read_details
from libs.common.store.tables import jobs
from services.gateway.documents.uploads import Source, Submission
from services.gateway.kernel.errors import NotFound, Stale
from services.gateway.kernel.record import Kernel
from services.gateway.tests.world import a_world


async def chunks(*parts):
    for part in parts:
        yield part


async def keys(world, prefix="documents/"):
    return [key async for key in world.storage.keys(prefix)]


async def when_all_is_due(world):
    """What is left once every deadline has passed."""
    async with world.database.transaction() as connection:
        await connection.execute(update(jobs).values(run_at_ms=0))
    await world.work()
    return await keys(world)


class Killed(BaseException):
    """The process ends here, with nothing of it running any more."""


@contextmanager
def killed_when_it_records(monkeypatch):
    """What the block does ends when it records an event, and there is no transaction after it."""

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:

        def record(*_):
            patched.setattr(Kernel, "transaction", killed)
            raise Killed

        patched.setattr(Kernel, "record", record)
        with pytest.raises(Killed):
            yield


async def test_a_file_is_stored_and_announced(world):
    upload = await world.documents.receive(chunks(b"one ", b"two"))
    source = Source(kind="file", object=upload.stored, filename="a\x00\nfile.txt")
    title = " My\n title\x07 "
    document = await world.documents.submit(
        Submission(document_id=upload.document_id, owner_id=world.owner, source=source, title=title)
    )
    (submitted,) = await world.decided(DocumentSubmitted)
    assert submitted.document_id == document
    details = await read_details(world.storage, submitted.details, SubmittedDocument)
    assert (details.title, details.filename) == ("My title", "a file.txt")
    assert details.object is not None
    assert await world.storage.read(details.object.key) == b"one two"
    assert not {b"My", b"file.txt"} & set(submitted.encode().split(b'"'))


async def test_documents_that_are_handed_in_are_counted(world):
    await world.hand_in()
    counter = world.kernel.metrics.documents_submitted_total
    assert counter._value.get() == 1


async def test_what_became_a_document_is_not_discarded(world):
    commands = world.documents
    upload, other = await commands.receive(chunks(b"a")), await commands.receive(chunks(b"b"))
    source = Source(kind="file", object=upload.stored)
    await commands.submit(
        Submission(document_id=upload.document_id, owner_id=world.owner, source=source)
    )
    await commands.discard(upload)
    await commands.discard(other)
    (submitted,) = await world.decided(DocumentSubmitted)
    assert await keys(world) == [upload.stored.key, submitted.details.key]
    assert await when_all_is_due(world) == [upload.stored.key, submitted.details.key]


async def test_an_upload_and_the_details_of_its_submission_have_one_transaction(world, monkeypatch):
    upload = await world.documents.receive(chunks(b"text"))
    submission = upload.submission(world.owner, "file", "a.txt")
    with killed_when_it_records(monkeypatch):
        async with (
            world.documents.storing(submission) as stored,
            world.kernel.transaction() as command,
        ):
            await command.apply(world.documents.submitting(stored))
    assert await keys(world) == [upload.stored.key, upload.details_key]
    await world.documents.discard(upload)
    await world.work()
    assert await keys(world) == []


async def test_an_upload_of_a_killed_process_goes(world):
    upload = await world.documents.receive(chunks(b"never handed in"))
    await world.work()
    assert await keys(world) == [upload.stored.key]
    assert await when_all_is_due(world) == []


async def test_what_a_process_stored_until_it_was_killed_goes(world, monkeypatch):
    document = await world.hand_in()
    await world.read(document, 1)
    kept = await keys(world)

    with killed_when_it_records(monkeypatch):
        await world.hand_in()
    with killed_when_it_records(monkeypatch):
        await world.documents.edit_page(world.owner, document, 1, "New", 0)
    assert len(await keys(world)) == len(kept) + 3
    assert await when_all_is_due(world) == kept


async def test_an_upload_takes_so_long_at_most(tmp_path):
    async def slow():
        yield b"some"
        await asyncio.Event().wait()

    async with a_world(tmp_path, upload_timeout_seconds=0.01) as world:
        with pytest.raises(Rejected, match="too long"):
            await world.documents.receive(slow())
        assert await keys(world) == []


async def test_a_document_that_is_read_again_under_its_id_keeps_its_objects(world):
    """As the command line does after it was killed."""
    document = uuid4()
    await world.documents.receive(chunks(b"killed"), document_id=document)
    upload = await world.documents.receive(chunks(b"again"), document_id=document)
    source = Source(kind="file", object=upload.stored)
    await world.documents.submit(
        Submission(document_id=document, owner_id=world.owner, source=source)
    )
    (submitted,) = await world.decided(DocumentSubmitted)
    assert await when_all_is_due(world) == [upload.stored.key, submitted.details.key]


async def test_a_web_address_is_announced(world):
    source = Source(kind="url", url="https://x.org/a")
    document = await world.documents.submit(
        Submission(document_id=uuid4(), owner_id=world.owner, source=source)
    )
    (submitted,) = await world.decided(DocumentSubmitted)
    assert submitted.document_id == document
    details = await read_details(world.storage, submitted.details, SubmittedDocument)
    assert details.url == source.url
    assert b"x.org" not in submitted.encode()


async def test_deleting_a_document(world):
    document = await world.hand_in()
    await world.documents.delete(world.owner, document)
    assert len(await world.decided(DocumentDeleted)) == 1
    with pytest.raises(NotFound):
        await world.documents.delete(world.owner, document)


async def test_strangers_find_nothing(world):
    document, stranger = await world.hand_in(), uuid4()
    await world.read(document, 1)
    for refused in (
        world.documents.delete(stranger, document),
        world.documents.edit_page(stranger, document, 1, "Mine now", 0),
    ):
        with pytest.raises(NotFound):
            await refused
    assert [key for key in await keys(world) if ".r1." in key] == []


@pytest.mark.parametrize(
    "error", [Conflict("page/1"), Unavailable("gone"), asyncio.CancelledError()]
)
async def test_an_edit_that_fails_leaves_nothing_in_the_end(world, monkeypatch, error):
    document = await world.hand_in()
    await world.read(document, 1)

    def failing(*_):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Kernel, "record", failing)
        with pytest.raises(type(error)):
            await world.documents.edit_page(world.owner, document, 1, "New", 0)
    assert [key for key in await keys(world) if ".r1." in key]
    await world.work()
    assert [key for key in await keys(world) if ".r1." in key] == []


async def test_the_longest_subject_of_a_job_has_room_in_its_column(world, monkeypatch):
    document = await world.hand_in()
    await world.extract(document, MAX_PAGES)
    with killed_when_it_records(monkeypatch):
        await world.documents.edit_page(world.owner, document, MAX_PAGES, "New", 0)
    [subject] = await world.database.fetch(
        select(jobs.c.subject).where(jobs.c.subject.contains(".r1."))
    )
    longest = subject[0].replace(".r1.", ".r999999999.")
    column = jobs.c.subject.type
    assert isinstance(column, String)
    assert column.length is not None
    assert len(longest) <= column.length


async def test_an_empty_file_is_refused_and_not_kept(world):
    with pytest.raises(Rejected, match="empty"):
        await world.hand_in(b"")
    await world.work()
    assert await keys(world) == []


async def test_a_large_file_is_refused_and_not_kept(tmp_path):
    async with a_world(tmp_path, max_upload_bytes=10) as world:
        with pytest.raises(Rejected) as refused:
            await world.hand_in(b"x" * 11)
        assert refused.value.code == "too_large"
        assert await keys(world) == []


async def test_edits_count_up_and_none_is_lost(world):
    document = await world.hand_in()
    await world.read(document, 1)
    edit = world.documents.edit_page
    assert await edit(world.owner, document, 1, "First\r\nedit", 0) == 1
    with pytest.raises(Stale):
        await edit(world.owner, document, 1, "Second edit, of the old text", 0)
    with pytest.raises(NotFound):
        await edit(world.owner, document, 2, "No such page", 0)
    assert await edit(world.owner, document, 1, "Second edit", 1) == 2
    await world.work()
    texts = [key async for key in world.storage.keys("documents/") if "/pages/" in key]
    assert len(texts) == 3
    first, second = await world.decided(PageEdited)
    texts = [await read_details(world.storage, one.text, PageText) for one in (first, second)]
    assert [text.markdown for text in texts] == ["First\nedit\n", "Second edit\n"]
    assert (second.revision, second.language) == (2, "en")


@pytest.mark.parametrize("text", ["", " \n ", "nul \x00", "\uffff"])
async def test_a_page_needs_text(world, text):
    document = await world.hand_in()
    await world.read(document, 1)
    with pytest.raises(Rejected):
        await world.documents.edit_page(world.owner, document, 1, text, 0)
