"""What objects say of documents is kept as long as the document, and no longer."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.details import FailureDetails, ParsedDocument
from libs.common.contracts.documents import DocumentParsed
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Unavailable
from libs.common.processing.failures import Failures, Task
from services.gateway.documents.details import details_of
from services.gateway.documents.kept_details import DetailsToKeep, keep_details
from services.gateway.documents.tables import document_details
from services.gateway.narrations.jobs import REQUEST_AUDIOBOOK, NarrationJob
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import reference


async def kept(world):
    return await world.database.fetch(select(document_details))


def parsed(world, document, details):
    return DocumentParsed(
        document_id=document,
        owner_id=world.owner,
        page_count=1,
        markdown_characters=1,
        details=details,
        chapter_count=0,
        language="und",
        media_type="application/octet-stream",
    )


async def test_a_document_says_what_it_is_called(world):
    document = await world.hand_in()
    await world.parse(document, 1, title="Found", author="Somebody", warnings=("One is lost.",))
    view = await world.document_queries.document(world.owner, document)
    assert (view.title, view.author, view.warnings) == ("A title", "Somebody", 1)
    assert len(await kept(world)) == 2


async def test_what_is_lost_says_nothing(world):
    document = await world.hand_in()
    await world.take(parsed(world, document, reference("gone")))
    view = await world.document_queries.document(world.owner, document)
    assert (view.state, view.title, view.author) == ("ready", "A title", None)


async def test_why_something_failed(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    (asked,) = await world.decided(AudioRequested)
    await world.fail(asked, "broke", "It broke at the word X.")
    view, _ = await world.audio_queries.audio(world.owner, asked.audio_id)
    assert (view.failure.code, view.failure.reason) == ("broke", "It broke at the word X.")


@pytest.mark.parametrize("rejected_first", [False, True])
async def test_what_was_read_after_all_is_not_rejected(world, rejected_first):
    """Its submission was given up, and sent again when the cause was gone."""
    document = await world.hand_in()
    if rejected_first:
        await world.reject(document)
        view = await world.document_queries.document(world.owner, document)
        assert view.state == "rejected"
    await world.read(document, 1)
    await world.parse(document, 1)
    if not rejected_first:
        await world.reject(document)
    view = await world.document_queries.document(world.owner, document)
    assert (view.state, view.failure) == ("ready", None)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert len(await world.decided(AudioRequested)) == 1


async def test_a_deletion_takes_all_of_it(world):
    document, other = await world.hand_in(), await world.hand_in()
    await world.parse(document, 1)
    await world.reject(other)
    await world.documents.delete(world.owner, document)
    assert {row.document_id for row in await kept(world)} == {str(other)}
    await world.parse(document, 1)  # an event that comes late
    assert {row.document_id for row in await kept(world)} == {str(other)}


async def test_details_that_were_read_before_a_deletion_are_not_kept_after_it(world):
    document = await world.hand_in()
    to_keep = DetailsToKeep(
        document_id=document,
        key="k",
        body=ParsedDocument(title="T", author=None, chapters=(), cover=None, warnings=()),
    )
    said = keep_details(to_keep)
    await world.documents.delete(world.owner, document)
    async with world.kernel.transaction() as command:
        await command.apply(said)
    assert await kept(world) == []


async def test_why_work_on_a_deleted_document_failed_is_not_stored(world):
    """Its objects are removed once more after a while, and then no more."""
    document, other = await world.hand_in(), await world.hand_in()
    await world.documents.delete(world.owner, document)
    kernel = world.kernel
    failures = Failures(
        service="gateway", metrics=kernel.metrics, storage=kernel.storage, database=kernel.database
    )
    given_up: list[TaskFailed] = []
    for one in (document, other):
        about = NarrationJob(document_id=one, owner_id=world.owner, narration_id=uuid4())
        task = Task(kind=REQUEST_AUDIOBOOK.name, name="1", about=about, attempts=8)
        [failed] = await failures.given_up(task, Unavailable("away"))
        assert isinstance(failed, TaskFailed)
        given_up.append(failed)
    assert [failed.details is None for failed in given_up] == [True, False]


async def test_details_of_nothing_known_are_not_kept(world):
    details = await world.say(uuid4(), FailureDetails(reason="R"))
    await world.take(parsed(world, uuid4(), details))
    assert await kept(world) == []


async def test_an_outage_of_the_storage_is_waited_for(world, monkeypatch):
    document = await world.hand_in()
    details = await world.say(
        document, ParsedDocument(title="T", author=None, chapters=(), cover=None, warnings=())
    )

    async def away(key):
        raise Unavailable("away")

    monkeypatch.setattr(world.storage, "read", away)
    with pytest.raises(Unavailable):
        await details_of(world.storage, parsed(world, document, details))


async def test_an_event_takes_no_details_of_another_document(world):
    document, other = await world.hand_in(), await world.hand_in()
    await world.parse(document, 1, author="Somebody")
    before = {(row.key, row.document_id) for row in await kept(world)}
    (key,) = {key for key, about in before if about == str(document) and "submitted" not in key}
    stolen = await stored_reference(world, key)
    assert await details_of(world.storage, parsed(world, other, stolen)) == []
    await world.take(parsed(world, other, stolen))
    assert {(row.key, row.document_id) for row in await kept(world)} == before
    view = await world.document_queries.document(world.owner, document)
    assert view.author == "Somebody"
    view = await world.document_queries.document(world.owner, other)
    assert (view.state, view.author) == ("ready", None)


async def stored_reference(world, key):
    """What refers to an object that is stored."""
    return reference(key, await world.storage.read(key))
