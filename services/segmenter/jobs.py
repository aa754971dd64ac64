"""The long work of the segmenter, declared: see cutter.py for how it is done."""

from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import PageSegmented
from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits


class SegmentJob(BaseModel):
    """Cut one page, as it was read or as it was edited."""

    document_id: UUID
    owner_id: UUID
    page: int
    revision: int
    text: ObjectRef
    language: str

    @property
    def stream(self) -> str:
        """The stream of what comes of it."""
        return PageSegmented.stream_of(document_id=self.document_id, page=self.page)


SEGMENT = JobKind(name="segment", payload=SegmentJob, limits=TimeLimits(soft_s=300, hard_s=330))
"""A page that cannot be cut is told of by ``task.failed``, which names document and page."""
