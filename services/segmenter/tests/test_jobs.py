from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.errors import Unavailable
from services.segmenter.jobs import SEGMENT, SegmentJob

PAGE = SegmentJob(
    document_id=UUID(int=7),
    page=3,
    revision=2,
    text=ObjectRef(key="documents/d/pages/00003.r2.md", sha256="0" * 64, size=5),
    language="de",
)


def test_a_page_that_is_given_up_owes_no_more_than_that_the_task_failed():
    assert SEGMENT.gave_up(PAGE, Unavailable("no storage")) == []


def test_a_job_survives_its_row():
    job = SEGMENT.new(PAGE, subject="d/3")
    assert job.kind == "segment"
    assert SEGMENT.payload.model_validate_json(job.payload.model_dump_json()) == PAGE
