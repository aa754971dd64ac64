from libs.common.processing.failures import GivenUp
from libs.common.store.jobs.new_job import NewJob
from services.gateway.kernel.jobs import REMOVE_PENDING, RemovePendingJob, removal

KEY = "documents/1/source.0"


def test_a_removal_that_was_given_up_is_tried_again():
    pending = RemovePendingJob(key=KEY)
    [again] = REMOVE_PENDING.gave_up(pending, GivenUp("unavailable"))
    assert isinstance(again, NewJob)
    assert (again.kind, again.payload) == (REMOVE_PENDING.name, pending)
    assert again.delay_ms > 0


def test_no_removal_can_be_withdrawn_as_a_deadline_can():
    """It may have removed something before it failed."""
    pending = RemovePendingJob(key=KEY)
    assert removal(pending).subject != pending.subject
