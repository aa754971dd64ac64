from uuid import UUID

from libs.common.contracts.narrations import NarrationRequested
from libs.common.processing.failures import GivenUp
from libs.common.store.jobs.new_job import NewJob
from services.gateway.narrations.jobs import (
    END_STALLED,
    REQUEST_AUDIOBOOK,
    NarrationJob,
    StalledJob,
)

IDS = {"narration_id": UUID(int=1), "document_id": UUID(int=2), "owner_id": UUID(int=3)}


def test_what_is_given_up_names_the_narration_that_waits_for_it():
    job = NarrationJob(**IDS)
    assert job.stream == NarrationRequested.stream_of(narration_id=job.narration_id)


def test_work_about_a_narration_is_cancelled_by_one_name():
    assert NarrationJob(**IDS).subject == StalledJob(**IDS, seen="1/2").subject


def test_a_look_that_was_given_up_is_not_the_last():
    job = StalledJob(**IDS, seen="1/2")
    [again] = END_STALLED.gave_up(job, GivenUp("bug"))
    assert isinstance(again, NewJob)
    assert (again.kind, again.payload, again.subject) == (END_STALLED.name, job, job.subject)
    assert again.delay_ms > 0


def test_payloads_come_back_as_they_were():
    for kind, job in ((REQUEST_AUDIOBOOK, NarrationJob(**IDS)), (END_STALLED, StalledJob(**IDS))):
        assert kind.read(job.model_dump_json().encode()) == job
