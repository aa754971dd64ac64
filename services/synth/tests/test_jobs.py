from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookRequested,
    AudioFailed,
    AudioRequested,
)
from libs.common.errors import Rejected
from services.synth.jobs import BIND, SPEAK
from services.synth.tests.scripts import book_requested, requested

REFUSED = Rejected("unknown_voice", "Choose another voice.")


async def test_a_page_that_is_given_up_is_answered(storage):
    asked = await requested(storage, "Hello.", page=3)
    [failed] = SPEAK.gave_up(asked, REFUSED)
    assert isinstance(failed, AudioFailed)
    assert (failed.document_id, failed.audio_id, failed.page) == (
        asked.document_id,
        asked.audio_id,
        3,
    )
    assert (failed.code, failed.reason) == ("unknown_voice", "Choose another voice.")


def test_an_audiobook_that_is_given_up_is_answered():
    asked = book_requested()
    [failed] = BIND.gave_up(asked, REFUSED)
    assert isinstance(failed, AudiobookFailed)
    assert (failed.document_id, failed.audiobook_id) == (asked.document_id, asked.audiobook_id)
    assert (failed.code, failed.reason) == ("unknown_voice", "Choose another voice.")


def test_the_payload_of_a_job_is_the_request_itself():
    assert (SPEAK.name, SPEAK.payload) == ("speak", AudioRequested)
    assert (BIND.name, BIND.payload) == ("bind", AudiobookRequested)
