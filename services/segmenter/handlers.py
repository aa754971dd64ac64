"""What the segmenter does when an event arrives. The table at the end is the index."""

from collections.abc import Sequence

from libs.common.contracts.documents import DocumentDeleted, PageAdded, PageEdited, PageExtracted
from libs.common.processing.erasing import erase_document
from libs.common.processing.routes import Route, on
from libs.common.store.effects import Effect
from libs.common.store.tombstones import unless_deleted
from services.segmenter.jobs import SEGMENT, SegmentJob


async def extracted(event: PageExtracted) -> Sequence[Effect]:
    """Have the page cut."""
    return [_cut(event, revision=0)]


async def added(event: PageAdded) -> Sequence[Effect]:
    """Have the page cut, as one that was read."""
    return [_cut(event, revision=0)]


async def edited(event: PageEdited) -> Sequence[Effect]:
    """Have the page cut again, as it is now."""
    return [_cut(event, event.revision)]


async def deleted(event: DocumentDeleted) -> Sequence[Effect]:
    """Stop cutting its pages, and remove what is stored of it."""
    return erase_document(event)


def _cut(event: PageExtracted | PageAdded | PageEdited, revision: int) -> Effect:
    document = str(event.document_id)
    job = SegmentJob(
        document_id=event.document_id,
        owner_id=event.owner_id,
        page=event.page,
        revision=revision,
        text=event.text,
        language=event.language,
    )
    new = SEGMENT.new(job, subject=f"{document}/{event.page}", owner=str(event.owner_id))
    return unless_deleted(new, document)


def routes() -> list[Route]:
    """Which event goes where."""
    return [
        on(PageExtracted, extracted),
        on(PageAdded, added),
        on(PageEdited, edited),
        on(DocumentDeleted, deleted),
    ]
