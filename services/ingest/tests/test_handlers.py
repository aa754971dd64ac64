from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from libs.common.database import Database
from libs.common.effects import apply
from libs.common.errors import Permanent
from libs.common.events import DocumentDeleted, DocumentRejected, DocumentSubmitted, Source
from libs.common.migrate import upgrade
from libs.common.tables import jobs
from services import ingest
from services.ingest.handlers import (
    ERASE,
    ERASE_AGAIN_AFTER_MS,
    PARSE,
    EraseJob,
    ParseJob,
    is_deleted,
    routes,
)

OWNER = UUID(int=1)
SOURCE = Source(kind="url", url="https://example.org/a")
HANDLERS: dict[Any, Any] = {route.event: route.handler for route in routes()}


def submitted(document_id=None):
    return DocumentSubmitted(
        document_id=document_id or uuid4(), owner_id=OWNER, source=SOURCE, title="A title"
    )


def deleted(event):
    return DocumentDeleted(document_id=event.document_id, deleted_by=OWNER)


@pytest.fixture
async def database(tmp_path):
    """The migrated database of ingest."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/ingest.db")
    await upgrade(database, Path(ingest.__path__[0]) / "migrations")
    yield database
    await database.close()


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


async def test_a_submission_becomes_a_job_of_its_owner(take, kept):
    event = submitted()
    await take(event)
    [job] = await kept(PARSE)
    assert (job.subject, job.owner, job.status) == (str(event.document_id), str(OWNER), "ready")
    assert ParseJob.model_validate_json(job.payload) == ParseJob(
        document_id=event.document_id, source=SOURCE, title="A title"
    )


async def test_a_deletion_that_overtakes_the_submission_wins(take, kept, database):
    event = submitted()
    await take(deleted(event), event)
    assert await kept(PARSE) == []
    async with database.reading() as connection:
        assert await is_deleted(connection, event.document_id)
        assert not await is_deleted(connection, uuid4())


async def test_a_deletion_stops_the_reading_of_that_document_only(take, kept):
    event, other = submitted(), submitted()
    await take(event, other, deleted(event))
    assert [each.status for each in await kept(PARSE)] == ["cancelled", "ready"]


async def test_what_was_stored_is_swept_twice(take, kept):
    event = submitted()
    await take(event, deleted(event))
    first, second = await kept(ERASE)
    for each in (first, second):
        assert EraseJob.model_validate_json(each.payload).document_id == event.document_id
    assert second.run_at_ms - first.run_at_ms >= ERASE_AGAIN_AFTER_MS


async def test_a_second_deletion_does_no_harm(take, kept):
    event = submitted()
    await take(event, deleted(event), deleted(event), event)
    assert [each.status for each in await kept(PARSE)] == ["cancelled"]
    assert {each.status for each in await kept(ERASE)} == {"ready"}


def test_a_submission_that_is_given_up_is_a_rejected_document():
    [route] = [each for each in routes() if each.event is DocumentSubmitted]
    event = submitted()
    [told] = route.gave_up(event, Permanent("it is broken"))
    assert isinstance(told, DocumentRejected)
    assert (told.document_id, told.reason) == (event.document_id, "it is broken")
