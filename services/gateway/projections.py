"""The gateway's read models as folds: one event in, rows to be written out.

Each event sets only columns that no other event type sets, and where two events of one type may
arrive in any order, the later one by its own account wins. So the rows are the same however topics
interleave, and a read model can be dropped and folded again.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from libs.common.cloudevents import rfc3339
from libs.common.events import (
    AudiobookFailed,
    AudiobookReady,
    AudiobookRequested,
    AudioDeleted,
    AudioFailed,
    AudioProgressed,
    AudioReady,
    AudioRequested,
    DocumentDeleted,
    DocumentParsed,
    DocumentRejected,
    DocumentSubmitted,
    Event,
    NarrationRequested,
    PageEdited,
    PageExtracted,
    PageSegmented,
    TaskFailed,
    Value,
    VoicesAnnounced,
)
from libs.common.upsert import Write, add_once, upsert
from services.gateway.tables import audiobooks, audios, documents, narrations, pages, voices

E = TypeVar("E", bound=Event)
Fold = Callable[[Any], Sequence[Write]]


def fold(event: Event) -> Sequence[Write]:
    """Return what ``event`` changes in the read models; nothing if it changes none."""
    folding = FOLDS.get(type(event))
    return folding(event) if folding else []


def _json(value: Value | None) -> Any:
    return None if value is None else value.model_dump(mode="json")


def _document(event: Any, **values: Any) -> list[Write]:
    return [upsert(documents, {"document_id": str(event.document_id)}, **values)]


def _page(event: Any, latest_by: str | None = None, **values: Any) -> list[Write]:
    key = {"document_id": str(event.document_id), "page": event.page}
    return [upsert(pages, key, latest_by, **values)]


def _audio(event: Any, latest_by: str | None = None, **values: Any) -> list[Write]:
    """``document_id`` is in every event of an audio and the same in all of them."""
    key, document = {"audio_id": str(event.audio_id)}, str(event.document_id)
    return [upsert(audios, key, latest_by, document_id=document, **values)]


def _audiobook(event: Any, **values: Any) -> list[Write]:
    document = str(event.document_id)
    key = {"audiobook_id": str(event.audiobook_id)}
    return [upsert(audiobooks, key, document_id=document, **values)]


def _submitted(event: DocumentSubmitted) -> list[Write]:
    return _document(
        event,
        owner_id=str(event.owner_id),
        given_title=event.title,
        source_kind=event.source.kind,
        source_name=event.source.filename or event.source.url,
        source=_json(event.source.object),
        submitted_at=rfc3339(event.occurred_at),
    )


def _parsed(event: DocumentParsed) -> list[Write]:
    return _document(
        event,
        found_title=event.title,
        author=event.author,
        language=event.language,
        media_type=event.media_type,
        page_count=event.pages,
        characters=event.characters,
        chapters=[_json(each) for each in event.chapters],
        cover=_json(event.cover),
        warnings=list(event.warnings),
        parsed_at=rfc3339(event.occurred_at),
    )


def _rejected(event: DocumentRejected) -> list[Write]:
    return _document(
        event,
        rejected_code=event.code,
        rejected_reason=event.reason,
        rejected_at=rfc3339(event.occurred_at),
    )


def _deleted(event: DocumentDeleted) -> list[Write]:
    return _document(event, deleted_at=rfc3339(event.occurred_at))


def _extracted(event: PageExtracted) -> list[Write]:
    return _page(
        event,
        title=event.title,
        language=event.language,
        extracted=_json(event.text),
        extracted_characters=event.characters,
    )


def _edited(event: PageEdited) -> list[Write]:
    return _page(event, "edited_revision", edited=_json(event.text), edited_revision=event.revision)


def _segmented(event: PageSegmented) -> list[Write]:
    return _page(
        event,
        "segments_revision",
        segments=_json(event.segments),
        segments_revision=event.revision,
        segments_characters=event.characters,
        utterances=event.utterances,
    )


def _task_failed(event: TaskFailed) -> list[Write]:
    if event.document_id is None or event.page is None or event.service != "segmenter":
        return []  # every other failure has an event of its own
    return _page(event, failed_code=event.code, failed_reason=event.reason)


def _narration_requested(event: NarrationRequested) -> list[Write]:
    return [
        add_once(
            narrations,
            narration_id=str(event.narration_id),
            document_id=str(event.document_id),
            owner_id=str(event.owner_id),
            requested_by=str(event.requested_by),
            requested_at=rfc3339(event.occurred_at),
            pages=None if event.pages is None else list(event.pages),
            engine=event.engine,
            voice=event.voice,
            rate=event.rate,
            formats=list(event.formats),
            audiobook=event.audiobook,
        )
    ]


def _audio_requested(event: AudioRequested) -> list[Write]:
    return _audio(
        event,
        page=event.page,
        revision=event.revision,
        owner_id=str(event.owner_id),
        requested_by=str(event.requested_by),
        engine=event.engine,
        voice=event.voice,
        rate=event.rate,
        formats=list(event.formats),
        requested_at=rfc3339(event.occurred_at),
    )


def _audio_progressed(event: AudioProgressed) -> list[Write]:
    return _audio(event, "done", done=event.done, total=event.total)


def _audio_ready(event: AudioReady) -> list[Write]:
    return _audio(
        event,
        renditions=[_json(each) for each in event.renditions],
        timings=_json(event.timings),
        captions=_json(event.captions),
        duration_ms=event.duration_ms,
        loudness_lufs=event.loudness_lufs,
        ready_at=rfc3339(event.occurred_at),
    )


def _audio_failed(event: AudioFailed) -> list[Write]:
    return _audio(
        event,
        failed_code=event.code,
        failed_reason=event.reason,
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
        object=_json(event.object),
        duration_ms=event.duration_ms,
        chapters=event.chapters,
        loudness_lufs=event.loudness_lufs,
        ready_at=rfc3339(event.occurred_at),
    )


def _audiobook_failed(event: AudiobookFailed) -> list[Write]:
    return _audiobook(
        event,
        failed_code=event.code,
        failed_reason=event.reason,
        failed_at=rfc3339(event.occurred_at),
    )


def _voices_announced(event: VoicesAnnounced) -> list[Write]:
    return [
        upsert(
            voices,
            {"engine": event.engine},
            "announced_at",
            voices=[_json(each) for each in event.voices],
            default_voice=event.default_voice,
            is_default=event.default,
            announced_at=rfc3339(event.occurred_at),
        )
    ]


FOLDS: dict[type[Event], Fold] = {
    DocumentSubmitted: _submitted,
    DocumentDeleted: _deleted,
    DocumentParsed: _parsed,
    DocumentRejected: _rejected,
    PageExtracted: _extracted,
    PageEdited: _edited,
    PageSegmented: _segmented,
    TaskFailed: _task_failed,
    NarrationRequested: _narration_requested,
    AudioRequested: _audio_requested,
    AudioProgressed: _audio_progressed,
    AudioReady: _audio_ready,
    AudioFailed: _audio_failed,
    AudioDeleted: _audio_deleted,
    AudiobookRequested: _audiobook_requested,
    AudiobookReady: _audiobook_ready,
    AudiobookFailed: _audiobook_failed,
    VoicesAnnounced: _voices_announced,
}
