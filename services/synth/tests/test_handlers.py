from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.effects import apply
from libs.common.errors import Permanent
from libs.common.events import AudiobookFailed, AudioDeleted, AudioFailed, DocumentDeleted
from libs.common.tables import jobs
from services.synth.handlers import (
    BIND,
    ERASE,
    ERASE_AGAIN_AFTER_MS,
    SPEAK,
    BindJob,
    EraseJob,
    SpeakJob,
    routes,
)
from services.synth.tests.scripts import OWNER, book_requested, requested

HANDLERS = {route.event: route.handler for route in routes()}


@pytest.fixture
def take(database):
    """Handle events one after another, each in a transaction, as the consumer does."""

    async def take(*events):
        for each in events:
            effects = await HANDLERS[type(each)](each)
            async with database.transaction() as connection:
                await apply(connection, effects, None)

    return take


@pytest.fixture
def kept(database):
    """All jobs of one kind, oldest first."""

    async def kept(kind):
        async with database.reading() as connection:
            found = await connection.execute(
                select(jobs).where(jobs.c.kind == kind).order_by(jobs.c.id)
            )
            return found.all()

    return kept


def audio_deleted(asked):
    return AudioDeleted(document_id=asked.document_id, audio_id=asked.audio_id, deleted_by=OWNER)


def document_deleted(asked):
    return DocumentDeleted(document_id=asked.document_id, deleted_by=OWNER)


async def test_a_request_becomes_a_job_of_its_owner(take, kept, storage):
    asked = await requested(storage, "Hello.")
    await take(asked)
    [job] = await kept(SPEAK)
    assert (job.subject, job.owner) == (f"{asked.document_id}/{asked.audio_id}", str(OWNER))
    payload = SpeakJob.model_validate_json(job.payload)
    assert payload.request.model_dump() == asked.model_dump()
    assert (payload.document_id, payload.page) == (asked.document_id, 1)


async def test_a_book_becomes_a_job(take, kept):
    asked = book_requested()
    await take(asked)
    [job] = await kept(BIND)
    payload = BindJob.model_validate_json(job.payload)
    assert payload.request.model_dump() == asked.model_dump()
    assert payload.document_id == asked.document_id


@pytest.mark.parametrize("deleted", [audio_deleted, document_deleted])
async def test_a_deletion_that_overtakes_the_request_wins(take, kept, storage, deleted):
    asked = await requested(storage, "Hello.")
    await take(deleted(asked), asked)
    assert await kept(SPEAK) == []


async def test_a_deleted_document_gets_no_book_any_more(take, kept):
    asked = book_requested()
    await take(document_deleted(asked), asked)
    assert await kept(BIND) == []


async def test_a_deleted_audio_leaves_the_others_alone(take, kept, storage):
    gone = await requested(storage, "Hello.")
    other = gone.model_copy(update={"audio_id": uuid4(), "event_id": uuid4()})
    await take(gone, other, audio_deleted(gone))
    assert [each.status for each in await kept(SPEAK)] == ["cancelled", "ready"]
    again = other.model_copy(update={"event_id": uuid4()})
    await take(again)
    assert [each.status for each in await kept(SPEAK)] == ["cancelled", "ready", "ready"]


async def test_a_deleted_document_stops_all_work_on_it(take, kept, storage):
    asked = await requested(storage, "Hello.")
    book = book_requested(document_id=asked.document_id)
    stranger = await requested(storage, "Hello.")
    await take(asked, book, stranger, document_deleted(asked))
    assert [each.status for each in await kept(SPEAK)] == ["cancelled", "ready"]
    assert [each.status for each in await kept(BIND)] == ["cancelled"]


async def test_what_was_stored_is_swept_twice(take, kept, storage):
    asked = await requested(storage, "Hello.")
    await take(asked, audio_deleted(asked))
    first, second = await kept(ERASE)
    prefix = f"audio/{asked.document_id}/{asked.audio_id}/"
    for each in (first, second):
        assert EraseJob.model_validate_json(each.payload).prefix == prefix
    assert second.run_at_ms - first.run_at_ms >= ERASE_AGAIN_AFTER_MS


async def test_the_deletion_of_a_document_does_not_stop_the_sweep_of_an_audio(take, kept, storage):
    asked = await requested(storage, "Hello.")
    await take(audio_deleted(asked), document_deleted(asked), document_deleted(asked))
    assert [each.status for each in await kept(ERASE)].count("cancelled") == 0


def given_up(event):
    [route] = [each for each in routes() if isinstance(event, each.event)]
    [told] = route.gave_up(event, Permanent("it is broken"))
    return told


async def test_a_request_that_is_given_up_is_answered(storage):
    asked, book = await requested(storage), book_requested()
    audio, bound = given_up(asked), given_up(book)
    assert isinstance(audio, AudioFailed)
    assert isinstance(bound, AudiobookFailed)
    assert (audio.audio_id, bound.audiobook_id) == (asked.audio_id, book.audiobook_id)
    assert audio.reason == bound.reason == "it is broken"
