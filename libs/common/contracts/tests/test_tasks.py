from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.catalog import every_event
from libs.common.contracts.tasks import TaskFailed


def failed(**changed):
    given = {
        "task_id": uuid4(),
        "service": "synth",
        "kind": "speak",
        "document_id": None,
        "owner_id": None,
        "requested_by": None,
        "about_stream": None,
        "page": None,
        "code": "refused",
        "details": None,
        "attempts": 1,
        "fingerprint": "f" * 16,
    }
    return TaskFailed.model_validate(given | changed)


def test_any_service_gives_up_and_no_other_event_is_of_all():
    assert [event for event in every_event() if event.producer == "*"] == [TaskFailed]


def test_a_task_has_a_stream_of_its_own_whatever_it_is_about():
    task_id = uuid4()
    assert failed(task_id=task_id).stream == f"task/{task_id}"
    assert failed(task_id=task_id, document_id=uuid4()).stream == f"task/{task_id}"


def test_what_was_never_tried_did_not_fail():
    with pytest.raises(ValidationError):
        failed(attempts=0)


def test_what_it_is_about_is_a_stream_and_no_sentence():
    about = f"audio/{uuid4()}"
    assert failed(about_stream=about).about_stream == about
    for wrong in ("audio", "audio/", "Audio/1", "a title, by its author", f"{about}/ 1"):
        with pytest.raises(ValidationError):
            failed(about_stream=wrong)


def test_a_page_is_one_that_there_can_be():
    assert failed(page=1).page == 1
    for wrong in (0, -1, MAX_PAGES + 1):
        with pytest.raises(ValidationError):
            failed(page=wrong)


def test_every_topic_has_a_period_so_that_no_job_is_taken_for_one():
    assert all("." in event.topic for event in every_event())


@pytest.mark.parametrize("wrong", ["f", "F" * 16, "f" * 17, "a reason of a task"])
def test_a_fingerprint_is_16_hexadecimal_digits(wrong):
    with pytest.raises(ValidationError):
        failed(fingerprint=wrong)
