from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.audio import (
    AudiobookReady,
    AudiobookRequested,
    AudioProgressed,
    AudioReady,
    Rendition,
)
from libs.common.contracts.base import DAY_MS, FOREVER, ObjectRef

STORED = ObjectRef(key="audio/1", sha256="0" * 64, size=1, media_type="audio/mp4")


def ready(**changed):
    given = {
        "document_id": uuid4(),
        "owner_id": uuid4(),
        "requested_by": uuid4(),
        "audio_id": uuid4(),
        "page": 1,
        "revision": 0,
        "engine": "espeak",
        "voice": "en",
        "rate": 1.0,
        "renditions": (Rendition(format="m4a", object=STORED),),
        "timings": STORED,
        "captions": STORED,
        "duration_ms": 1,
        "characters_asked": 2,
        "characters_spoken": 2,
        "characters_cached": 0,
        "segments_cached": 0,
        "loudness_lufs": None,
    }
    return AudioReady.model_validate(given | changed)


def test_an_audio_has_a_stream_of_its_own_and_the_key_of_its_document():
    event = ready()
    assert event.stream == f"audio/{event.audio_id}"
    assert event.key == str(event.document_id)


def test_an_audio_in_no_format_is_not_ready():
    with pytest.raises(ValidationError, match="renditions"):
        ready(renditions=())


@pytest.mark.parametrize("name", ["duration_ms", "characters_asked", "characters_spoken"])
def test_nothing_is_shorter_than_nothing(name):
    with pytest.raises(ValidationError, match=name):
        ready(**{name: -1})


def test_loudness_is_no_digest_of_what_is_said():
    assert ready(loudness_lufs=-18.942875029242824).loudness_lufs == -18.9


def test_only_progress_is_forgotten():
    assert AudioProgressed.retention_ms == DAY_MS
    assert AudioReady.retention_ms == AudiobookReady.retention_ms == FOREVER


def test_an_audiobook_is_made_of_pages_and_has_a_format():
    given = {
        "document_id": uuid4(),
        "audiobook_id": uuid4(),
        "narration_id": uuid4(),
        "owner_id": uuid4(),
        "requested_by": uuid4(),
        "page_count": 1,
        "format": "m4b",
        "details": STORED,
    }
    event = AudiobookRequested.model_validate(given)
    assert event.stream == f"audiobook/{event.audiobook_id}"
    for wrong in ({"page_count": 0}, {"format": "m4a"}, {"details": None}):
        with pytest.raises(ValidationError):
            AudiobookRequested.model_validate(given | wrong)
