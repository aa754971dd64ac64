"""How far a narration is, worked out from the rows of its document."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from libs.common.database import AnyRow
from services.gateway.views import (
    AudiobookView,
    Failure,
    NarrationState,
    NarrationView,
    PageFailure,
    audiobook_view,
)

Outcome = Literal["waiting", "ready", "silent", "failed", "outdated"]
NO_BOOK = Failure(
    "pages_missing", "Some pages have no audio, so there is no audiobook; see which, and why."
)
NOTHING = Failure("nothing_to_speak", "There is nothing to speak on these pages.")


@dataclass(frozen=True)
class Facts:
    """What is known of a narration: rows, by page where there is one for each.

    ``waiting`` are pages that wait for their turn, ``audios`` the best one of each page.
    """

    narration: AnyRow
    document: AnyRow
    pages: Mapping[int, AnyRow]
    audios: Mapping[int, AnyRow]
    waiting: Collection[int]
    audiobook: AnyRow | None


def best_audios(
    narration: AnyRow, pages: Mapping[int, AnyRow], audios: Sequence[AnyRow]
) -> dict[int, AnyRow]:
    """Return for each page the audio that serves ``narration`` best, of those of its document.

    It has the page's current text, sounds as ordered and has the formats that were ordered.
    """
    best: dict[int, AnyRow] = {}
    sound = (narration.engine, narration.voice, narration.rate)
    needed = set(narration.formats)
    for audio in sorted(audios, key=_rank):
        row = pages.get(audio.page)
        if (
            row is not None
            and audio.revision == (row.edited_revision or 0)
            and (audio.engine, audio.voice, audio.rate) == sound
            and needed <= set(audio.formats)
        ):
            best[audio.page] = audio
    return best


def _rank(audio: AnyRow) -> tuple[int, str]:
    """Ready is better than in the making, and that is better than failed; newer is better."""
    if audio.ready_at is not None:
        return 2, audio.requested_at
    return int(audio.failed_at is None), audio.requested_at


def narration_view(facts: Facts) -> NarrationView:
    """Return the narration with its counts."""
    narration = facts.narration
    selected = _selected(facts)
    outcomes = {page: _outcome(facts, page) for page in selected}
    ready = selected_ready(facts)
    total = _total(facts)
    settled = total is not None and "waiting" not in outcomes.values()
    failure = _failure(facts, outcomes, settled)
    book = _audiobook(facts, settled, list(outcomes.values()), failure)
    return NarrationView(
        narration_id=UUID(narration.narration_id),
        document_id=UUID(narration.document_id),
        requested_at=narration.requested_at,
        pages=None if narration.pages is None else tuple(narration.pages),
        engine=narration.engine,
        voice=narration.voice,
        rate=narration.rate,
        formats=tuple(narration.formats),
        state=_state(settled, list(outcomes.values()), book, failure),
        pages_total=total,
        pages_ready=len(ready),
        pages_silent=_count(outcomes, "silent"),
        pages_outdated=_count(outcomes, "outdated"),
        pages_failed=tuple(
            _page_failure(facts, page) for page in selected if outcomes[page] == "failed"
        ),
        characters=sum(
            facts.pages[page].segments_characters or 0 for page in selected if page in facts.pages
        ),
        duration_ms=sum(each.duration_ms or 0 for each in ready),
        first_ready_at=min((each.ready_at for each in ready), default=None),
        audiobook=book,
        failure=failure,
    )


def selected_ready(facts: Facts) -> list[AnyRow]:
    """Return the audios of the ordered pages that can be heard, in the order of the pages."""
    return [
        facts.audios[page]
        for page in _selected(facts)
        if page in facts.audios and facts.audios[page].ready_at is not None
    ]


def _selected(facts: Facts) -> list[int]:
    """The pages that were ordered, as far as they are known to exist or may still turn up."""
    ordered, last = facts.narration.pages, facts.document.page_count
    if ordered is None:
        return list(range(1, last + 1)) if last is not None else sorted(facts.pages)
    return sorted({page for page in ordered if last is None or page <= last})


def _total(facts: Facts) -> int | None:
    if facts.narration.pages is None and facts.document.page_count is None:
        return None
    return len(_selected(facts))


def _outcome(facts: Facts, page: int) -> Outcome:
    row, audio = facts.pages.get(page), facts.audios.get(page)
    if audio is not None and audio.ready_at is not None:
        return "ready"
    if audio is not None and audio.failed_at is None:
        return "waiting"
    if row is None or row.extracted_characters is None:
        return "waiting"
    if row.segments_revision != (row.edited_revision or 0):
        if row.failed_code:
            return "failed"
        return "waiting" if page in facts.waiting else "outdated"
    if row.utterances == 0:
        return "silent"
    if page in facts.waiting:
        return "waiting"
    return "failed" if audio is not None else "outdated"


def _page_failure(facts: Facts, page: int) -> PageFailure:
    audio, row = facts.audios.get(page), facts.pages[page]
    why = audio if audio is not None else row
    return PageFailure(page, why.failed_code, why.failed_reason)


def _failure(facts: Facts, outcomes: Mapping[int, Outcome], settled: bool) -> Failure | None:
    """Why nothing at all can come of the narration."""
    document = facts.document
    if document.rejected_at is not None:
        return Failure(document.rejected_code, document.rejected_reason)
    return NOTHING if settled and set(outcomes.values()) <= {"silent"} else None


def _audiobook(
    facts: Facts, settled: bool, outcomes: Sequence[Outcome], failure: Failure | None
) -> AudiobookView | None:
    narration = facts.narration
    if narration.audiobook is None:
        return None
    if facts.audiobook is not None:
        return audiobook_view(facts.audiobook)
    if failure is None and settled and not set(outcomes) <= {"ready", "silent"}:
        failure = NO_BOOK
    return AudiobookView(
        audiobook_id=None,
        document_id=UUID(narration.document_id),
        narration_id=UUID(narration.narration_id),
        format=narration.audiobook,
        state="waiting" if failure is None else "failed",
        duration_ms=None,
        chapters=None,
        loudness_lufs=None,
        object=None,
        failure=failure,
    )


def _state(
    settled: bool,
    outcomes: Sequence[Outcome],
    book: AudiobookView | None,
    failure: Failure | None,
) -> NarrationState:
    if failure is not None:
        return "failed"
    if not settled or (book is not None and book.state in {"waiting", "making"}):
        return "working"
    if "failed" in outcomes:
        return "failed"
    if "outdated" in outcomes:
        return "outdated"
    return "failed" if book is not None and book.state == "failed" else "ready"


def _count(outcomes: Mapping[int, Outcome], wanted: Outcome) -> int:
    return sum(each == wanted for each in outcomes.values())
