from uuid import uuid4

from libs.common.contracts.documents import DocumentRejected, DocumentSubmitted, Source
from libs.common.errors import Rejected
from services.ingest.jobs import PARSE

SUBMITTED = DocumentSubmitted(
    document_id=uuid4(), owner_id=uuid4(), source=Source(kind="url", url="https://example.org/a")
)


def test_a_document_that_is_given_up_is_rejected_with_the_reason():
    [rejected] = PARSE.gave_up(SUBMITTED, Rejected("encrypted", "Please remove the password."))
    assert isinstance(rejected, DocumentRejected)
    assert (rejected.document_id, rejected.code) == (SUBMITTED.document_id, "encrypted")
    assert rejected.reason == "Please remove the password."


def test_the_job_is_the_submission_itself():
    job = PARSE.new(SUBMITTED, subject="a document")
    assert (job.kind, job.payload) == ("parse", SUBMITTED)
    read = PARSE.payload.model_validate_json(SUBMITTED.model_dump_json())
    assert read.encode() == SUBMITTED.encode()
