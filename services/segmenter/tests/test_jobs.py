from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import PageSegmented
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import ObjectNotFound
from libs.common.observability.metrics import Metrics
from libs.common.processing.failures import Failures, GivenUp, Task
from libs.common.storage.memory import MemoryStorage
from services.segmenter.jobs import SEGMENT, SegmentJob

PAGE = SegmentJob(
    document_id=UUID(int=7),
    owner_id=UUID(int=1),
    page=3,
    revision=2,
    text=ObjectRef(
        key="documents/d/pages/00003.r2.json",
        sha256="0" * 64,
        size=5,
        media_type="application/octet-stream",
    ),
    language="de",
)


def test_a_page_that_is_given_up_owes_no_more_than_that_the_task_failed():
    assert SEGMENT.gave_up(PAGE, GivenUp("unavailable")) == []


def test_a_job_is_about_the_stream_of_what_comes_of_it():
    segmented = PageSegmented(
        document_id=PAGE.document_id,
        owner_id=PAGE.owner_id,
        page=PAGE.page,
        segmented_page=PAGE.text,
        utterance_count=1,
        characters=5,
        revision=0,
        language="und",
    )
    assert PAGE.stream == segmented.stream


async def test_the_task_that_failed_names_owner_page_and_stream(database):
    failures = Failures(
        service="segmenter",
        metrics=Metrics("segmenter"),
        storage=MemoryStorage(),
        database=database,
    )
    task = Task(kind=SEGMENT.name, name="1", about=PAGE, attempts=8)
    [failed] = await failures.given_up(task, ObjectNotFound(PAGE.text.key), SEGMENT.gave_up)
    assert isinstance(failed, TaskFailed)
    assert (failed.document_id, failed.owner_id) == (PAGE.document_id, PAGE.owner_id)
    assert (failed.page, failed.about_stream) == (PAGE.page, PAGE.stream)


def test_a_job_survives_its_row():
    job = SEGMENT.new(PAGE, subject="d/3")
    assert job.kind == "segment"
    assert SEGMENT.payload.model_validate_json(job.payload.model_dump_json()) == PAGE
