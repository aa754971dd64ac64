"""What the segmenter does when an event arrives. The table at the end is the index."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from libs.common.effects import Effect
from libs.common.events import ObjectRef, PageEdited, PageExtracted
from libs.common.jobs import NewJob
from libs.common.routes import Route, on

SEGMENT = "segment"


class SegmentJob(BaseModel):
    """Cut one page."""

    document_id: UUID
    page: int
    revision: int
    text: ObjectRef
    language: str


async def extracted(event: PageExtracted) -> Sequence[Effect]:
    """Have the page cut."""
    return [
        _job(
            SegmentJob(
                document_id=event.document_id,
                page=event.page,
                revision=0,
                text=event.text,
                language=event.language,
            )
        )
    ]


async def edited(event: PageEdited) -> Sequence[Effect]:
    """Have the page cut again, as it is now."""
    return [
        _job(
            SegmentJob(
                document_id=event.document_id,
                page=event.page,
                revision=event.revision,
                text=event.text,
                language=event.language,
            )
        )
    ]


def _job(payload: SegmentJob) -> NewJob:
    document = str(payload.document_id)
    return NewJob(SEGMENT, payload, subject=f"{document}/{payload.page}", owner=document)


def routes() -> list[Route]:
    """Which event goes where."""
    return [on(PageExtracted, extracted), on(PageEdited, edited)]
