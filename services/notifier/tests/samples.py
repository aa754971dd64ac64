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
from libs.common.contracts.details import (
    DETAILS,
    AudiobookContents,
    AudiobookPage,
    Details,
    FailureDetails,
)
from libs.common.contracts.documents import DocumentRejected
from libs.common.contracts.narrations import NarrationCompleted, NarrationFailed
from libs.common.contracts.pages import PageRange
from libs.common.contracts.tasks import TaskFailed
from libs.common.storage.port import Storage
from services.notifier.deliveries.batching import DeliverySchedule
from services.notifier.notices import Identities

SCHEDULE = DeliverySchedule(max_attempts=12, batch_wait_ms=60_000, batch_interval_ms=3_600_000)
AT_ONCE = DeliverySchedule(max_attempts=12, batch_wait_ms=0, batch_interval_ms=0)
IDENTITIES = Identities(bytes(range(32)))
DOCUMENT = UUID("11111111-2222-4333-8444-555555555555")
OWNER = UUID(int=1)
READER = UUID(int=2)
REF = ObjectRef(key="audio/x", sha256="0" * 64, size=1, media_type="application/octet-stream")
WHY = "The espeak engine has no voice 'x'; choose another."


async def stored(storage: Storage, details: Details) -> ObjectRef:
    """Store details of the document, and return what an event refers to them by."""
    key = f"documents/{DOCUMENT}/details/{details.nonce}.json"
    return await storage.write(key, details.encode(), DETAILS)


def why(reason: str = WHY) -> FailureDetails:
    return FailureDetails(reason=reason)


def book_contents(title: str = "The Räuber") -> AudiobookContents:
    return AudiobookContents(
        title=title,
        pages=(AudiobookPage(page=1, audio_id=uuid4()),),
        author=None,
        language="und",
        chapters=(),
        cover=None,
    )


def audio_ready(page: int = 1, **changes: Any) -> AudioReady:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "owner_id": OWNER,
        "requested_by": READER,
        "audio_id": uuid4(),
        "page": page,
        "revision": 0,
        "engine": "espeak",
        "voice": "en",
        "rate": 1.0,
        "renditions": (Rendition(format="m4a", object=REF),),
        "timings": REF,
        "captions": REF,
        "duration_ms": 60_000,
        "characters_asked": 10,
        "characters_spoken": 10,
        "characters_cached": 0,
        "segments_cached": 0,
        "loudness_lufs": None,
    }
    return AudioReady(**(fields | changes))


def audiobook_ready(**changes: Any) -> AudiobookReady:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "owner_id": OWNER,
        "requested_by": READER,
        "audiobook_id": uuid4(),
        "narration_id": uuid4(),
        "format": "m4b",
        "object": REF,
        "details": REF,
        "duration_ms": 33_120_000,
        "chapter_count": 24,
        "loudness_lufs": -19.0,
    }
    return AudiobookReady(**(fields | changes))


def audio_failed(page: int = 1, **changes: Any) -> AudioFailed:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "owner_id": OWNER,
        "requested_by": READER,
        "audio_id": uuid4(),
        "page": page,
        "code": "unknown_voice",
        "details": REF,
    }
    return AudioFailed(**(fields | changes))


def audiobook_failed(**changes: Any) -> AudiobookFailed:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "owner_id": OWNER,
        "requested_by": READER,
        "audiobook_id": uuid4(),
        "narration_id": uuid4(),
        "code": "unavailable",
        "details": REF,
    }
    return AudiobookFailed(**(fields | changes))


def document_rejected(**changes: Any) -> DocumentRejected:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "owner_id": OWNER,
        "code": "encrypted",
        "details": REF,
    }
    return DocumentRejected(**(fields | changes))


def narration_completed(**changes: Any) -> NarrationCompleted:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "owner_id": OWNER,
        "requested_by": READER,
        "narration_id": uuid4(),
        "pages_total": 12,
        "pages_ready": 7,
        "pages_silent": 1,
        "pages_missing": 4,
        "missing": (PageRange(first=3, last=5), PageRange(first=9, last=9)),
        "duration_ms": 3_720_000,
        "audiobook_id": uuid4(),
    }
    return NarrationCompleted(**(fields | changes))


def narration_failed(**changes: Any) -> NarrationFailed:
    fields: dict[str, Any] = {
        "document_id": DOCUMENT,
        "owner_id": OWNER,
        "requested_by": READER,
        "narration_id": uuid4(),
        "pages_total": 3,
        "pages_ready": 0,
        "pages_silent": 0,
        "pages_missing": 3,
        "missing": (PageRange(first=1, last=3),),
        "code": "unknown_voice",
    }
    return NarrationFailed(**(fields | changes))


def task_failed(**changes: Any) -> TaskFailed:
    fields: dict[str, Any] = {
        "task_id": uuid4(),
        "service": "segmenter",
        "kind": "segment",
        "document_id": DOCUMENT,
        "owner_id": OWNER,
        "requested_by": READER,
        "about_stream": None,
        "page": 3,
        "code": "bug",
        "details": REF,
        "attempts": 8,
        "fingerprint": "0123456789abcdef",
    }
    return TaskFailed(**(fields | changes))
