from uuid import uuid4

import pytest

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import FailureDetails
from libs.common.contracts.documents import DocumentRejected, DocumentSubmitted
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Rejected
from libs.common.observability.metrics import Metrics
from libs.common.processing.failures import Failures, GivenUp, Task
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage
from services.ingest.jobs import FETCH, PARSE

DETAILS = ObjectRef(
    key="documents/d/submitted.json", sha256="0" * 64, size=5, media_type="application/octet-stream"
)
SUBMITTED = DocumentSubmitted(
    document_id=uuid4(), owner_id=uuid4(), source_kind="url", details=DETAILS
)


@pytest.mark.parametrize("kind", [FETCH, PARSE])
def test_a_document_that_is_given_up_is_rejected_with_the_reason(kind):
    [rejected] = kind.gave_up(SUBMITTED, GivenUp("encrypted", DETAILS))
    assert isinstance(rejected, DocumentRejected)
    assert (rejected.document_id, rejected.owner_id) == (SUBMITTED.document_id, SUBMITTED.owner_id)
    assert (rejected.code, rejected.details) == ("encrypted", DETAILS)


async def test_the_sentence_is_stored_and_not_in_the_event(database):
    storage, error = MemoryStorage(), Rejected("encrypted", "Please remove the password.")
    failures = Failures(
        service="ingest", metrics=Metrics("ingest"), storage=storage, database=database
    )
    task = Task(kind=PARSE.name, name="1", about=SUBMITTED, attempts=1)
    rejected, failed = await failures.given_up(task, error, PARSE.gave_up)
    assert isinstance(rejected, DocumentRejected)
    assert rejected.details is not None
    details = await read_details(storage, rejected.details, FailureDetails)
    assert details.reason == "Please remove the password."
    assert rejected.details.key.startswith(f"documents/{SUBMITTED.document_id}/")
    assert isinstance(failed, TaskFailed)
    assert (failed.details, failed.owner_id) == (rejected.details, SUBMITTED.owner_id)
    assert b"password" not in rejected.encode() + failed.encode()


def test_the_job_is_the_submission_itself():
    job = PARSE.new(SUBMITTED, subject="a document")
    assert (job.kind, job.payload) == ("parse", SUBMITTED)
    read = PARSE.payload.model_validate_json(SUBMITTED.model_dump_json())
    assert read.encode() == SUBMITTED.encode()
