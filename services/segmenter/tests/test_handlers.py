from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import DocumentDeleted, PageAdded, PageEdited, PageExtracted
from libs.common.processing.erasing import ERASE, EraseJob
from libs.common.store.effects import apply
from libs.common.store.tables import jobs
from services.segmenter.handlers import added, deleted, edited, extracted, routes
from services.segmenter.jobs import SEGMENT, SegmentJob

DOCUMENT = UUID(int=7)
TEXT = ObjectRef(
    key="documents/d/pages/00003.r0.json",
    sha256="0" * 64,
    size=5,
    media_type="application/octet-stream",
)
ABOUT: dict[str, Any] = {
    "document_id": DOCUMENT,
    "owner_id": UUID(int=1),
    "page": 3,
    "text": TEXT,
    "language": "de",
}


def wanted(revision):
    payload = SegmentJob(**ABOUT, revision=revision)
    return SEGMENT.new(payload, subject=f"{DOCUMENT}/3", owner=str(ABOUT["owner_id"]))


@pytest.fixture
def take(database):
    """Handle events one after another, and return the jobs that are there."""

    async def take(*events):
        for event in events:
            [effects] = [await on.handler(event) for on in routes() if on.event is type(event)]
            async with database.transaction() as connection:
                await apply(connection, effects, None)
        found = await database.fetch(select(jobs).order_by(jobs.c.id))
        return [(job.kind, job.subject, job.owner, job.payload, job.status) for job in found]

    return take


def row(job, status="ready"):
    payload = job.payload.model_dump_json().encode()
    return job.kind, job.subject, job.owner, payload, status


EXTRACTED = PageExtracted(**ABOUT, markdown_characters=5)
EDITED = PageEdited(**ABOUT, revision=2, edited_by=uuid4(), markdown_characters=0)
DELETED = DocumentDeleted(document_id=DOCUMENT, owner_id=UUID(int=1), deleted_by=uuid4())


async def test_an_extracted_page_is_to_be_cut(take):
    assert await take(EXTRACTED) == [row(wanted(revision=0))]


async def test_an_added_page_is_to_be_cut_like_one_that_was_read(take):
    added = PageAdded(**ABOUT, added_by=uuid4(), markdown_characters=5)
    assert await take(added) == [row(wanted(revision=0))]


async def test_an_edited_page_is_to_be_cut_as_it_is_now(take):
    assert await take(EDITED) == [row(wanted(revision=2))]


async def test_a_deleted_document_is_not_cut_any_more_nor_again(take):
    [erasure] = await take(EXTRACTED, DELETED)
    assert erasure[0] == ERASE.name
    assert await take(EDITED, EXTRACTED) == [erasure]


async def test_what_was_stored_of_a_deleted_document_is_erased(take):
    """The segmenter may learn of it when the other services have removed theirs."""
    [(kind, _, _, payload, status)] = await take(DELETED)
    assert (kind, status) == (ERASE.name, "ready")
    assert EraseJob.model_validate_json(payload).prefix == f"documents/{DOCUMENT}/"


def test_every_event_has_its_handler():
    assert {route.event: route.handler for route in routes()} == {
        PageExtracted: extracted,
        PageAdded: added,
        PageEdited: edited,
        DocumentDeleted: deleted,
    }
