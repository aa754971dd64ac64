from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.audio import (
    AudiobookDeleted,
    AudiobookFailed,
    AudiobookRequested,
    AudioDeleted,
    AudioFailed,
    AudioRequested,
)
from libs.common.contracts.documents import DocumentDeleted
from libs.common.processing.erasing import ERASE, EraseJob
from libs.common.processing.failures import GivenUp
from libs.common.store.effects import apply
from libs.common.store.tables import jobs
from services.synth.handlers import routes
from services.synth.jobs import BIND, SPEAK
from services.synth.tests.scripts import OWNER, book_requested, reference, requested

WHY = reference("documents/d/failures/f.json")
HANDLERS = {route.event: route.handler for route in routes()}


@pytest.fixture
def handle(database):
    """Handle events one after another, each in a transaction, as the consumer does."""

    async def handle(*events):
        for event in events:
            effects = await HANDLERS[type(event)](event)
            async with database.transaction() as connection:
                await apply(connection, effects, None)

    return handle


@pytest.fixture
def stored_jobs(database):
    """All jobs of one kind, oldest first."""

    async def stored_jobs(kind):
        async with database.reading() as connection:
            found = await connection.execute(
                select(jobs).where(jobs.c.kind == kind.name).order_by(jobs.c.id)
            )
            return found.all()

    return stored_jobs


def audio_deleted(asked):
    return AudioDeleted(
        document_id=asked.document_id,
        owner_id=asked.owner_id,
        audio_id=asked.audio_id,
        deleted_by=OWNER,
    )


def document_deleted(asked):
    return DocumentDeleted(document_id=asked.document_id, owner_id=asked.owner_id, deleted_by=OWNER)


async def test_a_request_becomes_a_job_of_its_owner(handle, stored_jobs, storage):
    asked = await requested(storage, "Hello.")
    await handle(asked)
    [job] = await stored_jobs(SPEAK)
    assert (job.subject, job.owner) == (f"{asked.document_id}/{asked.audio_id}", str(OWNER))
    assert AudioRequested.model_validate_json(job.payload).model_dump() == asked.model_dump()


async def test_a_book_becomes_a_job_of_the_owner(handle, stored_jobs, storage):
    asked = await book_requested(storage)
    await handle(asked)
    [job] = await stored_jobs(BIND)
    assert (job.subject, job.owner) == (f"{asked.document_id}/{asked.audiobook_id}", str(OWNER))
    assert AudiobookRequested.model_validate_json(job.payload).model_dump() == asked.model_dump()


@pytest.mark.parametrize("deleted", [audio_deleted, document_deleted])
async def test_a_deletion_that_overtakes_the_request_wins(handle, stored_jobs, storage, deleted):
    asked = await requested(storage, "Hello.")
    await handle(deleted(asked), asked)
    assert await stored_jobs(SPEAK) == []


async def test_a_deleted_document_gets_no_book_any_more(handle, stored_jobs, storage):
    asked = await book_requested(storage)
    await handle(document_deleted(asked), asked)
    assert await stored_jobs(BIND) == []


def book_deleted(asked):
    about = {"document_id": asked.document_id, "owner_id": asked.owner_id}
    return AudiobookDeleted(**about, audiobook_id=asked.audiobook_id, deleted_by=OWNER)


async def test_a_deleted_book_is_made_no_more_and_its_file_goes(handle, stored_jobs, storage):
    gone = await book_requested(storage)
    other = gone.model_copy(update={"audiobook_id": uuid4(), "event_id": uuid4()})
    await handle(gone, other, book_deleted(gone))
    assert [job.subject for job in await stored_jobs(BIND)] == [
        f"{other.document_id}/{other.audiobook_id}"
    ]
    [job] = await stored_jobs(ERASE)
    prefix = EraseJob.model_validate_json(job.payload).prefix
    assert prefix == f"audio/{gone.document_id}/books/{gone.audiobook_id}."
    await handle(gone.model_copy(update={"event_id": uuid4()}))
    assert len(await stored_jobs(BIND)) == 1, "it comes back"


async def test_a_deleted_audio_leaves_the_others_alone(handle, stored_jobs, storage):
    gone = await requested(storage, "Hello.")
    other = gone.model_copy(update={"audio_id": uuid4(), "event_id": uuid4()})
    await handle(gone, other, audio_deleted(gone))
    subject = f"{other.document_id}/{other.audio_id}"
    assert [job.subject for job in await stored_jobs(SPEAK)] == [subject]
    again = other.model_copy(update={"event_id": uuid4()})
    await handle(again)
    assert [job.subject for job in await stored_jobs(SPEAK)] == [subject] * 2


async def test_a_deleted_document_stops_all_work_on_it(handle, stored_jobs, storage):
    asked = await requested(storage, "Hello.")
    book = await book_requested(storage, document_id=asked.document_id)
    stranger = await requested(storage, "Hello.")
    await handle(asked, book, stranger, document_deleted(asked))
    left = f"{stranger.document_id}/{stranger.audio_id}"
    assert [job.subject for job in await stored_jobs(SPEAK)] == [left]
    assert await stored_jobs(BIND) == []


async def test_what_was_stored_is_erased(handle, stored_jobs, storage):
    asked = await requested(storage, "Hello.")
    await handle(asked, audio_deleted(asked))
    [job] = await stored_jobs(ERASE)
    assert EraseJob.model_validate_json(job.payload) == EraseJob(
        document_id=asked.document_id,
        owner_id=asked.owner_id,
        prefix=f"audio/{asked.document_id}/{asked.audio_id}/",
    )


async def test_of_a_deleted_document_audio_and_reasons_are_erased(handle, stored_jobs, storage):
    asked = await requested(storage, "Hello.")
    await handle(asked, document_deleted(asked))
    prefixes = {
        EraseJob.model_validate_json(job.payload).prefix for job in await stored_jobs(ERASE)
    }
    assert prefixes == {f"documents/{asked.document_id}/", f"audio/{asked.document_id}/"}


async def test_the_deletion_of_a_document_does_not_stop_the_sweep_of_an_audio(
    handle, stored_jobs, storage
):
    asked = await requested(storage, "Hello.")
    await handle(audio_deleted(asked), document_deleted(asked), document_deleted(asked))
    assert [job.status for job in await stored_jobs(ERASE)].count("cancelled") == 0


def given_up(event):
    [route] = [route for route in routes() if isinstance(event, route.event)]
    [told] = route.gave_up(event, GivenUp("permanent", WHY))
    return told


async def test_a_request_that_is_given_up_is_answered(storage):
    asked, book = await requested(storage), await book_requested(storage)
    audio, bound = given_up(asked), given_up(book)
    assert isinstance(audio, AudioFailed)
    assert isinstance(bound, AudiobookFailed)
    assert (audio.audio_id, bound.audiobook_id) == (asked.audio_id, book.audiobook_id)
    assert (audio.code, audio.details) == (bound.code, bound.details) == ("permanent", WHY)
