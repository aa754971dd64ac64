import pytest

from services.gateway.documents.rows import PageRow
from services.gateway.documents.views import page_state

FAILED = {"failed_code": "c", "failed_reason": "r"}
FINE = {"failed_code": None, "failed_reason": None}


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({"segments_revision": None, "edited_revision": None, "utterances": None} | FINE, "read"),
        ({"segments_revision": 0, "edited_revision": None, "utterances": 2} | FINE, "speakable"),
        ({"segments_revision": 0, "edited_revision": None, "utterances": 0} | FINE, "silent"),
        ({"segments_revision": 0, "edited_revision": 1, "utterances": 2} | FINE, "read"),
        ({"segments_revision": 0, "edited_revision": 1, "utterances": 2} | FAILED, "failed"),
        ({"segments_revision": 1, "edited_revision": 1, "utterances": 2} | FAILED, "speakable"),
    ],
)
def test_pages(columns, state):
    row = PageRow(page=1, extracted_characters=9, segments_characters=7, **columns)
    found, failure = page_state(row)
    assert found == state
    assert (failure is not None) == (state == "failed")
