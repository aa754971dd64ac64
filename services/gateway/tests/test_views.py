from types import SimpleNamespace
from typing import Any

import pytest

from services.gateway.views import audio_state, page_state

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
    row: Any = SimpleNamespace(**columns)
    found, failure = page_state(row)
    assert found == state
    assert (failure is not None) == (state == "failed")


@pytest.mark.parametrize(
    ("ready_at", "failed_at", "done", "state"),
    [
        (None, None, None, "waiting"),
        (None, None, 0, "waiting"),
        (None, None, 1, "speaking"),
        (None, "t", 1, "failed"),
        ("t", None, 1, "ready"),
        ("t", "t", None, "ready"),
    ],
)
def test_audios(ready_at, failed_at, done, state):
    row: Any = SimpleNamespace(ready_at=ready_at, failed_at=failed_at, done=done, **FAILED)
    found, failure = audio_state(row)
    assert found == state
    assert (failure is not None) == (state == "failed")
