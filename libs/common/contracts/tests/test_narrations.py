from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.narrations import NarrationCompleted, NarrationFailed, NarrationRequested
from libs.common.contracts.pages import MAX_RANGES, PageRange


def requested(**changed):
    given = {
        "document_id": uuid4(),
        "narration_id": uuid4(),
        "owner_id": uuid4(),
        "requested_by": uuid4(),
        "pages": None,
        "engine": "espeak",
        "voice": "en",
        "rate": 1.0,
        "formats": ("m4a",),
        "audiobook": None,
    }
    return NarrationRequested.model_validate(given | changed)


def test_it_has_a_stream_of_its_own_and_the_key_of_its_document():
    event = requested()
    assert event.stream == f"narration/{event.narration_id}"
    assert event.key == str(event.document_id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pages": [0]},
        {"pages": []},
        {"pages": [{"first": 2, "last": 1}]},
        {"pages": [{"first": 3, "last": 4}, {"first": 1, "last": 1}]},
        {"pages": [{"first": 1, "last": 4}, {"first": 4, "last": 5}]},
        {"rate": 9},
        {"formats": ["m4b"]},
        {"formats": []},
        {"audiobook": "m4a"},
    ],
)
def test_what_cannot_be_made_is_refused(wrong):
    with pytest.raises(ValidationError):
        requested(**wrong)


def test_pages_are_ranges_and_not_more_than_an_event_can_hold():
    ranges = [{"first": page, "last": page} for page in range(1, 2 * MAX_RANGES + 3, 2)]
    assert requested(pages=ranges[:1]).pages == (PageRange(first=1, last=1),)
    assert len(requested(pages=ranges[:MAX_RANGES]).pages) == MAX_RANGES
    with pytest.raises(ValidationError):
        requested(pages=ranges)


ENDED = {
    **{name: uuid4() for name in ("document_id", "owner_id", "narration_id", "requested_by")},
    "pages_total": 3,
    "pages_ready": 1,
    "pages_silent": 1,
    "pages_missing": 1,
    "missing": [{"first": 2, "last": 2}],
}
COMPLETED = {"duration_ms": 7, "audiobook_id": None}


def test_both_ends_are_in_the_stream_of_the_narration():
    completed = NarrationCompleted.model_validate({**ENDED, **COMPLETED})
    failed = NarrationFailed.model_validate({**ENDED, "code": "nothing_ready"})
    assert completed.stream == failed.stream == f"narration/{ENDED['narration_id']}"
    assert completed.key == failed.key == str(ENDED["document_id"])


@pytest.mark.parametrize(
    "name", ["pages_total", "pages_ready", "pages_silent", "pages_missing", "duration_ms"]
)
def test_nothing_is_counted_below_nothing(name):
    with pytest.raises(ValidationError, match=name):
        NarrationCompleted.model_validate({**ENDED, **COMPLETED, name: -1})
