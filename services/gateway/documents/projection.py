"""Events in, rows of documents and pages out.

Each event sets only columns that no other event type sets, and where two events of one type may
arrive in any order, the later one by its own account wins. So the rows are the same however topics
interleave, and a read model can be dropped and folded again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentParsed,
    DocumentRejected,
    DocumentRenamed,
    DocumentReordered,
    DocumentRetried,
    DocumentSubmitted,
    PageAdded,
    PageEdited,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.upsert import Write, upsert
from services.gateway.documents.tables import documents, pages
from services.gateway.kernel.record import Fold
from services.gateway.kernel.rows import as_json


def _document(event: Any, latest_by: str | None = None, **values: Any) -> list[Write]:
    return [upsert(documents, {"document_id": str(event.document_id)}, latest_by, **values)]


def _page(event: Any, latest_by: str | None = None, **values: Any) -> list[Write]:
    key = {"document_id": str(event.document_id), "page": event.page}
    return [upsert(pages, key, latest_by, **values)]


def _submitted(event: DocumentSubmitted) -> list[Write]:
    return _document(
        event,
        owner_id=str(event.owner_id),
        source_kind=event.source_kind,
        submitted_key=event.details.key,
        submitted_at=rfc3339(event.occurred_at),
    )


def _parsed(event: DocumentParsed) -> list[Write]:
    return _document(
        event,
        language=event.language,
        media_type=event.media_type,
        page_count=event.page_count,
        characters=event.markdown_characters,
        parsed_key=event.details.key,
        parsed_at=rfc3339(event.occurred_at),
    )


def _renamed(event: DocumentRenamed) -> list[Write]:
    return _document(
        event,
        "renamed_revision",
        renamed_revision=event.revision,
        renamed_key=event.details.key,
    )


def _retried(event: DocumentRetried) -> list[Write]:
    return _document(
        event,
        "retried_attempt",
        retried_attempt=event.attempt,
        retried_at=rfc3339(event.occurred_at),
    )


def _rejected(event: DocumentRejected) -> list[Write]:
    return _document(
        event,
        "rejected_attempt",
        rejected_attempt=event.attempt,
        rejected_code=event.code,
        rejected_key=event.details and event.details.key,
        rejected_at=rfc3339(event.occurred_at),
    )


def _deleted(event: DocumentDeleted) -> list[Write]:
    return _document(event, deleted_at=rfc3339(event.occurred_at))


def _extracted(event: PageExtracted) -> list[Write]:
    return _page(
        event,
        language=event.language,
        extracted=as_json(event.text),
        extracted_characters=event.markdown_characters,
    )


def _added(event: PageAdded) -> list[Write]:
    """No page that was read has its number, so it sets the same columns."""
    page = _page(
        event,
        language=event.language,
        extracted=as_json(event.text),
        extracted_characters=event.markdown_characters,
        added_at=rfc3339(event.occurred_at),
    )
    return [*page, *_document(event, "last_added", last_added=event.page)]


def _reordered(event: DocumentReordered) -> list[Write]:
    return _document(
        event,
        "reordered_revision",
        reordered_revision=event.revision,
        page_order=[as_json(run) for run in event.order],
        reordered_at=rfc3339(event.occurred_at),
    )


def _edited(event: PageEdited) -> list[Write]:
    return _page(
        event, "edited_revision", edited=as_json(event.text), edited_revision=event.revision
    )


def _segmented(event: PageSegmented) -> list[Write]:
    return _page(
        event,
        "segments_revision",
        segments=as_json(event.segmented_page),
        segments_revision=event.revision,
        segments_characters=event.characters,
        utterances=event.utterance_count,
    )


def _task_failed(event: TaskFailed) -> Sequence[Write]:
    key, moment = event.details and event.details.key, rfc3339(event.occurred_at)
    if page_given_up(event) is not None:
        said = {"failed_code": event.code, "failed_key": key, "failed_at": moment}
        return _page(event, "failed_at", **said)
    if is_reading_given_up(event):
        said = {"given_up_code": event.code, "given_up_key": key, "given_up_at": moment}
        return _document(event, "given_up_at", **said)
    return []  # every other failure has an event of its own, or is not about a document


def page_given_up(event: TaskFailed) -> int | None:
    """Return the page that will not be cut, or of which nobody will hear that it was."""
    if event.document_id is None or event.page is None:
        return None
    cutting = event.service == "segmenter" or event.kind == PageSegmented.topic
    return event.page if cutting else None


def is_reading_given_up(event: TaskFailed) -> bool:
    """Whether a document will not be read to its end, or nobody will hear that it was."""
    return event.document_id is not None and event.kind in READING


READING = (
    DocumentSubmitted.topic,
    DocumentRetried.topic,
    DocumentParsed.topic,
    DocumentRejected.topic,
)
"""Events that cannot be done without: a document of which one is lost stays unfinished."""

FOLDS: Mapping[type[Event], Fold] = {
    DocumentSubmitted: _submitted,
    DocumentRenamed: _renamed,
    DocumentRetried: _retried,
    DocumentReordered: _reordered,
    DocumentDeleted: _deleted,
    DocumentParsed: _parsed,
    DocumentRejected: _rejected,
    PageExtracted: _extracted,
    PageAdded: _added,
    PageEdited: _edited,
    PageSegmented: _segmented,
    TaskFailed: _task_failed,
}
