from uuid import UUID, uuid4

import pytest

from services.gateway.audio.rows import AudioFilesRow, AudioRow
from services.gateway.audio.views import AudiobookView, audio_state, audio_view
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


@pytest.mark.parametrize(("ready_at", "done"), [(None, 3), ("t", 7)])
def test_of_an_audio_that_is_ready_all_is_done(ready_at, done):
    """Progress is told now and then, and not once more at the end."""
    row = AudioFilesRow(
        audio_id=UUID(int=1),
        document_id=UUID(int=2),
        page=1,
        revision=0,
        engine="e",
        voice="v",
        rate=1.0,
        formats=("m4a",),
        requested_at="t",
        done=3,
        total=7,
        duration_ms=None,
        ready_at=ready_at,
        failed_code=None,
        failed_reason=None,
        failed_at=None,
        given_up_at=None,
        loudness_lufs=None,
        files=None,
    )
    shown = audio_view(row)
    assert (shown.done, shown.total) == (done, 7)


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
