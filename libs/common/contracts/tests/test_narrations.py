from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.narrations import NarrationRequested


def requested(**changed):
    given = {
        "document_id": uuid4(),
        "narration_id": uuid4(),
        "owner_id": uuid4(),
        "requested_by": uuid4(),
        "engine": "espeak",
        "voice": "en",
    }
    return NarrationRequested.model_validate(given | changed)


def test_a_narration_is_of_every_page_at_a_normal_rate_unless_it_says_otherwise():
    event = requested()
    assert (event.pages, event.rate, event.formats, event.audiobook) == (None, 1.0, ("m4a",), None)


def test_it_has_a_stream_of_its_own_and_the_key_of_its_document():
    event = requested()
    assert event.stream == f"narration/{event.narration_id}"
    assert event.key == str(event.document_id)


@pytest.mark.parametrize(
    "wrong", [{"pages": [0]}, {"rate": 9}, {"formats": ["m4b"]}, {"audiobook": "m4a"}]
)
def test_what_cannot_be_made_is_refused(wrong):
    with pytest.raises(ValidationError):
        requested(**wrong)
