"""Events in, rows of audios, audiobooks and voices out; see ``documents/projection.py``."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from libs.common.contracts.audio import (
    AudiobookDeleted,
    AudiobookFailed,
    AudiobookReady,
    AudiobookRequested,
    AudioDeleted,
    AudioFailed,
    AudioProgressed,
    AudioReady,
    AudioRequested,
    VoicesAnnounced,
)
from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.upsert import Write, upsert
from services.gateway.audio.rows import format_bits
from services.gateway.audio.tables import audiobooks, audios, voices
from services.gateway.kernel.record import Fold
from services.gateway.kernel.rows import as_json


def _audio(event: Any, latest_by: str | None = None, **values: Any) -> list[Write]:
    """``document_id`` is in every event of an audio and the same in all of them."""
    key, document = {"audio_id": str(event.audio_id)}, str(event.document_id)
    return [upsert(audios, key, latest_by, document_id=document, **values)]


def _audiobook(event: Any, latest_by: str | None = None, **values: Any) -> list[Write]:
    key, document = {"audiobook_id": str(event.audiobook_id)}, str(event.document_id)
    return [upsert(audiobooks, key, latest_by, document_id=document, **values)]


def _audio_requested(event: AudioRequested) -> list[Write]:
    return _audio(
        event,
        page=event.page,
        revision=event.revision,
        characters=event.characters,
        owner_id=str(event.owner_id),
        requested_by=str(event.requested_by),
        engine=event.engine,
        voice=event.voice,
        rate=event.rate,
        formats=list(event.formats),
        format_bits=format_bits(event.formats),
        requested_at=rfc3339(event.occurred_at),
    )


def _audio_progressed(event: AudioProgressed) -> list[Write]:
    return _audio(event, "done", done=event.done, total=event.total)


def _audio_ready(event: AudioReady) -> list[Write]:
    files = [*(rendition.object for rendition in event.renditions), event.timings, event.captions]
    return _audio(
        event,
        files={
            "renditions": [as_json(rendition) for rendition in event.renditions],
            "timings": as_json(event.timings),
            "captions": as_json(event.captions),
        },
        bytes=sum(ref.size for ref in files),
        duration_ms=event.duration_ms,
        loudness_lufs=event.loudness_lufs,
        ready_at=rfc3339(event.occurred_at),
    )


def _audio_failed(event: AudioFailed) -> list[Write]:
    return _audio(
        event,
        "failed_at",
        failed_code=event.code,
        failed_key=event.details and event.details.key,
        failed_at=rfc3339(event.occurred_at),
    )


def _audio_deleted(event: AudioDeleted) -> list[Write]:
    return _audio(event, deleted_at=rfc3339(event.occurred_at))


def _audiobook_requested(event: AudiobookRequested) -> list[Write]:
    return _audiobook(
        event,
        narration_id=str(event.narration_id),
        format=event.format,
        requested_by=str(event.requested_by),
        requested_at=rfc3339(event.occurred_at),
    )


def _audiobook_ready(event: AudiobookReady) -> list[Write]:
    return _audiobook(
        event,
        object=as_json(event.object),
        bytes=event.object.size,
        duration_ms=event.duration_ms,
        chapters=event.chapter_count,
        loudness_lufs=event.loudness_lufs,
        ready_at=rfc3339(event.occurred_at),
    )


def _audiobook_deleted(event: AudiobookDeleted) -> list[Write]:
    return _audiobook(event, deleted_at=rfc3339(event.occurred_at))


def _audiobook_failed(event: AudiobookFailed) -> list[Write]:
    return _audiobook(
        event,
        "failed_at",
        failed_code=event.code,
        failed_key=event.details and event.details.key,
        failed_at=rfc3339(event.occurred_at),
    )


def _task_failed(event: TaskFailed) -> list[Write]:
    """Nobody will hear of what this stream would have told; columns of the event alone."""
    for table, column in ((audios, "audio_id"), (audiobooks, "audiobook_id")):
        identity = given_up(event, column.removesuffix("_id"))
        if identity is not None and event.document_id is not None:
            return [_given_up(table, {column: str(identity)}, event)]
    return []


def _given_up(table: Table, key: dict[str, str], event: TaskFailed) -> Write:
    return upsert(
        table,
        key,
        "given_up_at",
        document_id=str(event.document_id),
        given_up_code=event.code,
        given_up_key=event.details and event.details.key,
        given_up_at=rfc3339(event.occurred_at),
    )


def given_up(event: TaskFailed, kind: str) -> UUID | None:
    """Return the audio or audiobook that nobody will hear of any more, if it is one of ``kind``."""
    found, _, identity = (event.about_stream or "").partition("/")
    try:
        return UUID(identity) if found == kind else None
    except ValueError:  # headers of a stranger
        return None


def _voices_announced(event: VoicesAnnounced) -> list[Write]:
    return [
        upsert(
            voices,
            {"engine": event.engine},
            "announced_at",
            voices=[as_json(voice) for voice in event.voices],
            default_voice=event.default_voice,
            is_default=event.is_default_engine,
            announced_at=rfc3339(event.occurred_at),
        )
    ]


FOLDS: Mapping[type[Event], Fold] = {
    AudioRequested: _audio_requested,
    AudioProgressed: _audio_progressed,
    AudioReady: _audio_ready,
    AudioFailed: _audio_failed,
    AudioDeleted: _audio_deleted,
    AudiobookRequested: _audiobook_requested,
    AudiobookReady: _audiobook_ready,
    AudiobookFailed: _audiobook_failed,
    AudiobookDeleted: _audiobook_deleted,
    VoicesAnnounced: _voices_announced,
    TaskFailed: _task_failed,
}
