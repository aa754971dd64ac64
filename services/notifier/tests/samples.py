"""Events as they come from the other services."""

from typing import Any
from uuid import UUID, uuid4

from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookReady,
    AudioFailed,
    AudioReady,
    Rendition,
)
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import DocumentRejected
from libs.common.contracts.tasks import TaskFailed
from services.notifier.deliveries.batching import DeliverySchedule

SCHEDULE = DeliverySchedule(max_attempts=12, batch_wait_ms=60_000, batch_interval_ms=3_600_000)
AT_ONCE = DeliverySchedule(max_attempts=12, batch_wait_ms=0, batch_interval_ms=0)
DOCUMENT = UUID("11111111-2222-4333-8444-555555555555")
REF = ObjectRef(key="audio/x", sha256="0" * 64, size=1)


def audio_ready(page: int = 1, **changes: Any) -> AudioReady:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "audio_id": uuid4(),
        "page": page,
        "engine": "espeak",
        "voice": "en",
        "renditions": (Rendition(format="m4a", object=REF),),
        "timings": REF,
        "captions": REF,
        "duration_ms": 60_000,
        "characters_asked": 10,
        "characters_spoken": 10,
    }
    return AudioReady(**(fields | changes))


def audiobook_ready(**changes: Any) -> AudiobookReady:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "audiobook_id": uuid4(),
        "format": "m4b",
        "object": REF,
        "title": "The Räuber",
        "duration_ms": 33_120_000,
        "chapters": 24,
    }
    return AudiobookReady(**(fields | changes))


def audio_failed(page: int = 1, **changes: Any) -> AudioFailed:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "audio_id": uuid4(),
        "page": page,
        "code": "unknown_voice",
        "reason": "The espeak engine has no voice 'x'; choose another.",
    }
    return AudioFailed(**(fields | changes))


def audiobook_failed(**changes: Any) -> AudiobookFailed:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "audiobook_id": uuid4(),
        "code": "unavailable",
        "reason": "The storage did not answer.",
    }
    return AudiobookFailed(**(fields | changes))


def document_rejected(**changes: Any) -> DocumentRejected:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "code": "encrypted",
        "reason": "The file is protected with a password; remove it and try again.",
    }
    return DocumentRejected(**(fields | changes))


def task_failed(**changes: Any) -> TaskFailed:
    fields: dict[str, Any] = {
        "task_id": uuid4(),
        "service": "segmenter",
        "kind": "segment",
        "document_id": DOCUMENT,
        "page": 3,
        "code": "bug",
        "reason": "unexpected KeyError",
        "attempts": 8,
        "fingerprint": "0123456789abcdef",
    }
    return TaskFailed(**(fields | changes))
