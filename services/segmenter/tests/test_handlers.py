from typing import Any
from uuid import UUID, uuid4

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import PageEdited, PageExtracted
from services.segmenter.handlers import edited, extracted, routes
from services.segmenter.jobs import SEGMENT, SegmentJob

DOCUMENT = UUID(int=7)
TEXT = ObjectRef(key="documents/d/pages/00003.r0.json", sha256="0" * 64, size=5)
ABOUT: dict[str, Any] = {
    "document_id": DOCUMENT,
    "owner_id": UUID(int=1),
    "page": 3,
    "text": TEXT,
    "language": "de",
}


def wanted(revision):
    payload = SegmentJob(**ABOUT, revision=revision)
    return SEGMENT.new(payload, subject=f"{DOCUMENT}/3", owner=str(DOCUMENT))


async def test_an_extracted_page_is_to_be_cut():
    assert await extracted(PageExtracted(**ABOUT, characters=5)) == [wanted(revision=0)]


async def test_an_edited_page_is_to_be_cut_as_it_is_now():
    event = PageEdited(**ABOUT, revision=2, edited_by=uuid4())
    assert await edited(event) == [wanted(revision=2)]


def test_every_event_has_its_handler():
    extraction, edit = routes()
    assert (extraction.event, extraction.handler) == (PageExtracted, extracted)
    assert (edit.event, edit.handler) == (PageEdited, edited)
