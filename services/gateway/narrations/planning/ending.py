"""How a narration ends: facts in, event out."""

from libs.common.contracts.narrations import NarrationCompleted, NarrationFailed
from libs.common.contracts.pages import MAX_RANGES, page_ranges
from services.gateway.narrations.progress import (
    NarrationFacts,
    count,
    narration_view,
    outcomes_of,
    selected_ready,
    total_of,
)

PAGES_FAILED = "pages_failed"
TIMEOUT = "timeout"
DELETED = "document_deleted"

End = NarrationCompleted | NarrationFailed


def decide_end(facts: NarrationFacts) -> End | None:
    """Return the end of a narration that waits for nothing more and has not ended yet."""
    if facts.narration.ended_at is not None:
        return None
    view = narration_view(facts)
    if view.state == "working":
        return None
    return end_of(facts, view.failure.code if view.failure else PAGES_FAILED)


def end_of(facts: NarrationFacts, code: str) -> End:
    """Return the end of a narration as it is now; ``code`` says why if nothing can be heard."""
    narration, outcomes, ready = facts.narration, outcomes_of(facts), selected_ready(facts)
    missing = [page for page, outcome in outcomes.items() if outcome not in {"ready", "silent"}]
    silent, total = count(outcomes, "silent"), total_of(facts)
    common = {
        "document_id": narration.document_id,
        "owner_id": narration.owner_id,
        "narration_id": narration.narration_id,
        "requested_by": narration.requested_by,
        "pages_total": None if facts.document.page_count is None else len(outcomes),
        "pages_ready": len(ready),
        "pages_silent": silent,
        "pages_missing": len(missing) if total is None else total - len(ready) - silent,
        "missing": page_ranges(missing)[:MAX_RANGES],
    }
    if not ready:
        return NarrationFailed.model_validate(common | {"code": code})
    book = facts.audiobook
    return NarrationCompleted.model_validate(
        common
        | {
            "duration_ms": sum(audio.duration_ms or 0 for audio in ready),
            "audiobook_id": book.audiobook_id if book is not None and book.ready_at else None,
        }
    )
