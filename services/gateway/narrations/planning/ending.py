"""How a narration ends: facts in, event out."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from libs.common.contracts.narrations import (
    NarrationCanceled,
    NarrationCompleted,
    NarrationFailed,
)
from libs.common.contracts.pages import PageRange
from services.gateway.narrations.progress import NarrationFacts, narration_view

PAGES_FAILED = "pages_failed"
TIMEOUT = "timeout"
DELETED = "document_deleted"

End = NarrationCompleted | NarrationFailed


def code_of_end(facts: NarrationFacts) -> str | None:
    """Return why a narration ends now, if it does and nothing of it can be heard; else None.

    None as well for one that waits for something, or has ended.
    """
    if facts.narration.ended_at is not None:
        return None
    view = narration_view(facts)
    if view.state == "working":
        return None
    return view.failure.code if view.failure else PAGES_FAILED


def end_of(facts: NarrationFacts, code: str, missing: Sequence[PageRange]) -> End:
    """Return the end of a narration as it is now; ``code`` says why if nothing can be heard.

    ``missing`` are the pages without audio, as many ranges as an event may hold.
    """
    common = _common(facts, missing)
    if not facts.outcomes.get("ready"):
        return NarrationFailed.model_validate(common | {"code": code})
    book = facts.audiobook
    return NarrationCompleted.model_validate(
        common
        | {
            "duration_ms": facts.duration_ms,
            "audiobook_id": book.audiobook_id if book is not None and book.ready_at else None,
        }
    )


def canceled_end_of(
    facts: NarrationFacts, canceled_by: UUID, missing: Sequence[PageRange]
) -> NarrationCanceled:
    """Return the end of a narration that somebody stops."""
    common = _common(facts, missing)
    return NarrationCanceled.model_validate(common | {"canceled_by": canceled_by})


def _common(facts: NarrationFacts, missing: Sequence[PageRange]) -> dict[str, Any]:
    """Return what every end of a narration says."""
    narration, outcomes = facts.narration, facts.outcomes
    is_read = facts.document.page_count is not None
    return {
        "document_id": narration.document_id,
        "owner_id": narration.owner_id,
        "narration_id": narration.narration_id,
        "requested_by": narration.requested_by,
        "pages_total": facts.pages_total if is_read else None,
        "pages_ready": outcomes.get("ready", 0),
        "pages_silent": outcomes.get("silent", 0),
        "pages_missing": facts.pages_missing,
        "missing": missing,
    }
