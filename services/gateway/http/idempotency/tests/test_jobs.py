from datetime import UTC, datetime, timedelta

from libs.common.processing.failures import GivenUp
from libs.common.store.jobs.new_job import NewJob
from services.gateway.http.idempotency.jobs import KEPT_FOR, forget_later, forgetting


def test_keys_of_an_hour_are_forgotten_together_and_none_before_its_time():
    hour = datetime(2026, 11, 28, 23, tzinfo=UTC)
    for passed in (timedelta(), timedelta(minutes=59, seconds=59)):
        job, delay_ms = forgetting(hour + passed)
        assert job.until == "2026-11-29T00:00:00.000000Z"
        due = hour + passed + timedelta(milliseconds=delay_ms)
        assert due - (hour + passed) >= KEPT_FOR
        assert abs(due - (hour + timedelta(hours=1) + KEPT_FOR)) <= timedelta(milliseconds=1)
    assert forgetting(hour + timedelta(hours=1))[0] != job


def test_it_is_tried_again_for_ever():
    job, _ = forgetting(datetime(2026, 11, 28, 23, tzinfo=UTC))
    [again] = forget_later(job, GivenUp("code", None))
    assert isinstance(again, NewJob)
    assert (again.payload, again.subject, again.delay_ms > 0) == (job, job.subject, True)
