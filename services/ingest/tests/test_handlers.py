from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import DocumentDeleted, DocumentRetried, DocumentSubmitted
from libs.common.processing.erasing import ERASE, EraseJob
from libs.common.store.effects import apply
from libs.common.store.tables import jobs
from services.ingest.handlers import routes
from services.ingest.jobs import FETCH, PARSE, event_rejected, read_job

OWNER = UUID(int=1)
DETAILS = ObjectRef(
    key="documents/d/submitted.json", sha256="0" * 64, size=5, media_type="application/octet-stream"
)
HANDLERS: dict[Any, Any] = {route.event: route.handler for route in routes()}


def submitted(kind="file"):
    return DocumentSubmitted(document_id=uuid4(), owner_id=OWNER, source_kind=kind, details=DETAILS)


def deleted(event):
    return DocumentDeleted(document_id=event.document_id, owner_id=OWNER, deleted_by=OWNER)


@pytest.fixture
def take(database):
    """Handle events one after another, each in a transaction, as the consumer does."""

    async def take(*events):
        for event in events:
            effects = await HANDLERS[type(event)](event)
            async with database.transaction() as connection:
                await apply(connection, effects, None)

    return take


@pytest.fixture
def kept(database):
    """All jobs of one kind, oldest first."""

    async def kept(kind):
        async with database.reading() as connection:
            found = await connection.execute(
                select(jobs).where(jobs.c.kind == kind.name).order_by(jobs.c.id)
            )
            return found.all()

    return kept


async def test_a_submission_becomes_a_job_of_its_owner(take, kept):
    event = submitted()
    await take(event)
    [job] = await kept(PARSE)
    assert (job.subject, job.owner, job.status) == (str(event.document_id), str(OWNER), "ready")
    assert PARSE.read(job.payload) == read_job(event)


@pytest.mark.parametrize(("kind", "fetched"), [("url", True), ("file", False), ("text", False)])
async def test_web_addresses_are_fetched_before_they_are_read(take, kept, kind, fetched):
    event = submitted(kind)
    await take(event)
    fetching, parsing = await kept(FETCH), await kept(PARSE)
    assert (len(fetching), len(parsing)) == ((1, 0) if fetched else (0, 1))
    [job] = fetching or parsing
    assert (job.subject, job.owner) == (str(event.document_id), str(OWNER))


@pytest.mark.parametrize("kind", [FETCH, PARSE])
async def test_a_deletion_that_overtakes_the_submission_wins(take, kept, kind):
    event = submitted("url" if kind is FETCH else "file")
    await take(deleted(event), event)
    assert await kept(kind) == []


async def test_a_deletion_stops_the_fetching(take, kept):
    event = submitted("url")
    await take(event, deleted(event))
    assert await kept(FETCH) == []


async def test_a_deletion_stops_the_reading_of_that_document_only(take, kept):
    event, other = submitted(), submitted()
    await take(event, other, deleted(event))
    assert [job.subject for job in await kept(PARSE)] == [str(other.document_id)]


async def test_what_was_stored_is_erased(take, kept):
    event = submitted()
    await take(event, deleted(event))
    [job] = await kept(ERASE)
    assert EraseJob.model_validate_json(job.payload) == EraseJob(
        document_id=event.document_id,
        owner_id=OWNER,
        prefix=f"documents/{event.document_id}/",
    )
    assert job.owner == str(OWNER)


async def test_a_second_deletion_does_no_harm(take, kept):
    event = submitted()
    await take(event, deleted(event), deleted(event), event)
    assert await kept(PARSE) == []
    assert {job.status for job in await kept(ERASE)} == {"ready"}


def retry_of(event, attempt=2):
    about = {name: getattr(event, name) for name in ("document_id", "owner_id", "source_kind")}
    return DocumentRetried(**about, details=DETAILS, attempt=attempt, retried_by=OWNER)


@pytest.mark.parametrize(("kind", "job"), [("url", FETCH), ("file", PARSE)])
async def test_a_document_is_read_again(take, kept, kind, job):
    event = submitted(kind)
    await take(event, retry_of(event))
    [kept_job] = await kept(job)
    assert job.read(kept_job.payload).attempt == 2, "the earlier attempt goes on"


async def test_a_deleted_document_is_not_read_again(take, kept):
    event = submitted()
    await take(event, deleted(event), retry_of(event))
    assert await kept(PARSE) == []


@pytest.mark.parametrize("event", [DocumentSubmitted, DocumentRetried])
def test_what_asks_to_read_and_is_given_up_is_a_rejected_document(event):
    [route] = [route for route in routes() if route.event is event]
    assert route.gave_up is event_rejected
