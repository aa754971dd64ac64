from uuid import uuid4

import pytest

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import FailureDetails
from libs.common.contracts.documents import DocumentRejected, DocumentRetried, DocumentSubmitted
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Rejected
from libs.common.observability.metrics import Metrics
from libs.common.processing.failures import Failures, GivenUp, Task
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage
from services.ingest.jobs import FETCH, PARSE, event_rejected, read_job

DETAILS = ObjectRef(
    key="documents/d/submitted.json", sha256="0" * 64, size=5, media_type="application/octet-stream"
)
SUBMITTED = DocumentSubmitted(
    document_id=uuid4(), owner_id=uuid4(), source_kind="url", details=DETAILS
)
RETRIED = DocumentRetried(
    document_id=SUBMITTED.document_id,
    owner_id=SUBMITTED.owner_id,
    attempt=3,
    source_kind="url",
    details=DETAILS,
    retried_by=SUBMITTED.owner_id,
)


@pytest.mark.parametrize("kind", [FETCH, PARSE])
def test_a_document_that_is_given_up_is_rejected_with_the_reason(kind):
    [rejected] = kind.gave_up(read_job(SUBMITTED), GivenUp("encrypted", DETAILS))
    assert isinstance(rejected, DocumentRejected)
    assert (rejected.document_id, rejected.owner_id) == (SUBMITTED.document_id, SUBMITTED.owner_id)
    assert (rejected.code, rejected.details) == ("encrypted", DETAILS)
    assert rejected.attempt == 1


def test_a_later_attempt_is_rejected_as_that_attempt():
    [rejected] = event_rejected(RETRIED, GivenUp("encrypted", None))
    assert isinstance(rejected, DocumentRejected)
    assert (rejected.attempt, rejected.details) == (3, None)


async def test_the_sentence_is_stored_and_not_in_the_event(database):
    storage, error = MemoryStorage(), Rejected("encrypted", "Please remove the password.")
    failures = Failures(
        service="ingest", metrics=Metrics("ingest"), storage=storage, database=database
    )
    task = Task(kind=PARSE.name, name="1", about=read_job(SUBMITTED), attempts=1)
    rejected, failed = await failures.given_up(task, error, PARSE.gave_up)
    assert isinstance(rejected, DocumentRejected)
    assert rejected.details is not None
    details = await read_details(storage, rejected.details, FailureDetails)
    assert details.reason == "Please remove the password."
    assert rejected.details.key.startswith(f"documents/{SUBMITTED.document_id}/")
    assert isinstance(failed, TaskFailed)
    assert (failed.details, failed.owner_id) == (rejected.details, SUBMITTED.owner_id)
    assert b"password" not in rejected.encode() + failed.encode()


def test_a_job_is_what_its_event_asks_for():
    assert read_job(SUBMITTED).attempt == 1
    assert read_job(RETRIED).attempt == 3
    assert read_job(RETRIED).stream == SUBMITTED.stream
    job = PARSE.new(read_job(SUBMITTED), subject="a document")
    assert PARSE.read(job.payload.model_dump_json().encode()) == read_job(SUBMITTED)


def test_jobs_that_were_recorded_as_submissions_are_still_read():
    assert PARSE.read(SUBMITTED.encode()) == read_job(SUBMITTED)
