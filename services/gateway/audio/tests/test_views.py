from uuid import UUID, uuid4

import pytest

from services.gateway.audio.rows import AudioRow
from services.gateway.audio.views import AudiobookView, audio_state
from services.gateway.tests.world import reference


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
    row = AudioRow(
        audio_id=UUID(int=1),
        document_id=UUID(int=2),
        page=1,
        revision=0,
        engine="e",
        voice="v",
        rate=1.0,
        formats=("m4a",),
        requested_at="t",
        done=done,
        total=None,
        duration_ms=None,
        ready_at=ready_at,
        failed_code="c",
        failed_reason="r",
        failed_at=failed_at,
        given_up_at=None,
    )
    found, failure = audio_state(row)
    assert found == state
    assert (failure is not None) == (state == "failed")


def test_an_audiobook_says_its_size_and_not_its_place():
    shown = AudiobookView(
        audiobook_id=uuid4(),
        document_id=uuid4(),
        narration_id=uuid4(),
        format="m4b",
        state="ready",
        duration_ms=1,
        chapters=1,
        loudness_lufs=-19.0,
        object=reference("audio/secret", b"four"),
        failure=None,
    )
    assert shown.bytes == 4
    assert "secret" not in shown.model_dump_json()
