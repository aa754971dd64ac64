from uuid import UUID

from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS
from libs.common.store.jobs.new_job import NewJob
from services.gateway.documents.leaving.jobs import (
    DELETE_DOCUMENTS,
    DeleteDocumentsJob,
    delete_again,
)


def test_documents_of_who_is_gone_are_tried_for_ever():
    job = DeleteDocumentsJob(user_id=UUID(int=7), deleted_by=None)
    [again] = delete_again(job, GivenUp("unavailable"))
    assert isinstance(again, NewJob)
    assert (again.kind, again.delay_ms) == (DELETE_DOCUMENTS.name, AGAIN_AFTER_MS)
    assert again.payload == job
