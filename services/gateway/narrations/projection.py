"""Events in, rows of narrations out; see ``documents/projection.py``."""

from collections.abc import Iterable, Mapping

from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.narrations import (
    NarrationCanceled,
    NarrationCompleted,
    NarrationEnded,
    NarrationEvent,
    NarrationFailed,
    NarrationRequested,
)
from libs.common.contracts.pages import PageRange
from libs.common.database.upsert import Write, upsert
from services.gateway.audio.rows import format_bits
from services.gateway.kernel.record import Fold
from services.gateway.kernel.rows import as_json
from services.gateway.narrations.rows import EVERY_PAGE
from services.gateway.narrations.tables import narration_ranges, narrations


def _requested(event: NarrationRequested) -> list[Write]:
    return [
        upsert(
            narrations,
            {"narration_id": str(event.narration_id)},
            document_id=str(event.document_id),
            owner_id=str(event.owner_id),
            requested_by=str(event.requested_by),
            requested_at=rfc3339(event.occurred_at),
            pages=None if event.pages is None else [as_json(part) for part in event.pages],
            engine=event.engine,
            voice=event.voice,
            rate=event.rate,
            formats=list(event.formats),
            format_bits=format_bits(event.formats),
            audiobook=event.audiobook,
            page_count=event.page_count,
        ),
        *_ranges(event, EVERY_PAGE if event.pages is None else event.pages, is_missing=False),
    ]


def _ended(event: NarrationEnded) -> list[Write]:
    key = {"narration_id": str(event.narration_id)}
    return [
        upsert(
            narrations,
            key,
            ended_at=rfc3339(event.occurred_at),
            ended_before_read=event.pages_total is None,
            pages_missing=event.pages_missing,
            missing=[as_json(part) for part in event.missing],
        ),
        *_ranges(event, event.missing, is_missing=True),
    ]


def _canceled(event: NarrationCanceled) -> list[Write]:
    key = {"narration_id": str(event.narration_id)}
    return [*_ended(event), upsert(narrations, key, canceled_at=rfc3339(event.occurred_at))]


def _ranges(event: NarrationEvent, pages: Iterable[PageRange], *, is_missing: bool) -> list[Write]:
    key = {"narration_id": str(event.narration_id), "is_missing": is_missing}
    return [upsert(narration_ranges, key | {"first": run.first}, last=run.last) for run in pages]


FOLDS: Mapping[type[Event], Fold] = {
    NarrationRequested: _requested,
    NarrationCompleted: _ended,
    NarrationFailed: _ended,
    NarrationCanceled: _canceled,
}
