import pytest

from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookRequested,
    AudioFailed,
    AudioRequested,
)
from libs.common.contracts.details import FailureDetails
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Rejected
from libs.common.observability.metrics import Metrics
from libs.common.processing.failures import Failures, GivenUp, Task
from libs.common.storage.details import read_details
from services.synth.jobs import BIND, EVICT, SPEAK
from services.synth.tests.scripts import OWNER, READER, book_requested, reference, requested

REFUSED = GivenUp("unknown_voice", reference("documents/d/failures/f.json"))


async def test_a_page_that_is_given_up_is_answered(storage):
    asked = await requested(storage, "Hello.", page=3)
    [failed] = SPEAK.gave_up(asked, REFUSED)
    assert isinstance(failed, AudioFailed)
    assert (failed.document_id, failed.audio_id, failed.page) == (
        asked.document_id,
        asked.audio_id,
        3,
    )
    assert (failed.owner_id, failed.requested_by) == (OWNER, READER)
    assert (failed.code, failed.details) == (REFUSED.code, REFUSED.details)


async def test_an_audiobook_that_is_given_up_is_answered(storage):
    asked = await book_requested(storage)
    [failed] = BIND.gave_up(asked, REFUSED)
    assert isinstance(failed, AudiobookFailed)
    assert (failed.document_id, failed.audiobook_id, failed.narration_id) == (
        asked.document_id,
        asked.audiobook_id,
        asked.narration_id,
    )
    assert (failed.owner_id, failed.requested_by) == (OWNER, READER)
    assert (failed.code, failed.details) == (REFUSED.code, REFUSED.details)


@pytest.mark.parametrize("kind", [SPEAK, BIND])
async def test_the_reason_is_stored_and_in_no_event(storage, database, kind):
    asked = await (requested(storage, "Hello.") if kind is SPEAK else book_requested(storage))
    task = Task(kind=kind.name, name="1", about=asked, attempts=1)
    error = Rejected("unknown_voice", "Not Sesame's voice.")
    failures = Failures(
        service="synth", metrics=Metrics("synth"), storage=storage, database=database
    )
    answer, failed = await failures.given_up(task, error, kind.gave_up)
    assert isinstance(answer, AudioFailed | AudiobookFailed)
    assert isinstance(failed, TaskFailed)
    assert answer.details is not None
    details = await read_details(storage, answer.details, FailureDetails)
    assert (details.reason, failed.details) == ("Not Sesame's voice.", answer.details)
    assert (failed.owner_id, failed.requested_by) == (OWNER, READER)
    assert failed.about_stream == asked.stream == answer.stream
    assert b"Sesame" not in answer.encode() + failed.encode()


def test_the_payload_of_a_job_is_the_request_itself():
    assert (SPEAK.name, SPEAK.payload) == ("speak", AudioRequested)
    assert (BIND.name, BIND.payload) == ("bind", AudiobookRequested)


def test_an_eviction_that_is_given_up_owes_nothing_more():
    assert EVICT.gave_up(EVICT.read(b"{}"), REFUSED) == []
