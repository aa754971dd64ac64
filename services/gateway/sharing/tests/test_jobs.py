from uuid import UUID

from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS
from libs.common.store.jobs.new_job import NewJob
from services.gateway.sharing.jobs import END_SHARES, EndSharesJob, end_again


def test_shares_of_a_closed_account_are_tried_for_ever():
    job = EndSharesJob(user_id=UUID(int=7))
    [again] = end_again(job, GivenUp("unavailable"))
    assert isinstance(again, NewJob)
    assert (again.kind, again.delay_ms) == (END_SHARES.name, AGAIN_AFTER_MS)
    assert again.payload == job
