"""How far a narration is, worked out from the rows of its document."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from libs.common.contracts.pages import count_in, holds, pages_in, ranges_as_text
from services.gateway.audio.rows import AudiobookRow, AudioRow
from services.gateway.audio.views import AudiobookView, audiobook_view
from services.gateway.documents.rows import DocumentRow, PageRow
from services.gateway.documents.views import rejection_of
from services.gateway.kernel.views import Failure, failure
from services.gateway.narrations.decide import serving_audios
from services.gateway.narrations.rows import NarrationRow
from services.gateway.narrations.views import NarrationState, NarrationView, PageFailure

Outcome = Literal["waiting", "ready", "silent", "failed", "outdated"]
NO_AUDIOBOOK = Failure(
    code="pages_missing",
    reason="Some pages have no audio, so there is no audiobook; see which, and why.",
)
NOT_MADE = Failure(code="audiobook_failed", reason="The audiobook could not be made.")
UNREAD = Failure(code="timeout", reason="Nothing of the document was read in time.")
LATE = Failure(code="timeout", reason="Nothing was heard of this page in time.")
NOTHING = Failure(code="nothing_to_speak", reason="There is nothing to speak on these pages.")


@dataclass(frozen=True, kw_only=True)
class NarrationFacts:
    """What is known of a narration.

    ``waiting`` are pages that wait for their turn, ``audios`` the best one of each page.
    """

    narration: NarrationRow
    document: DocumentRow
    pages: Mapping[int, PageRow]
    audios: Mapping[int, AudioRow]
    waiting: Collection[int]
    audiobook: AudiobookRow | None

    @property
    def may_have_audiobook(self) -> bool:
        """Whether one was asked for, none was requested, and no page is missing."""
        if self.narration.audiobook is None or self.audiobook is not None:
            return False
        outcomes = set(outcomes_of(self).values())
        return self.document.parsed_at is not None and "ready" in outcomes <= {"ready", "silent"}


def best_audios(
    narration: NarrationRow, pages: Mapping[int, PageRow], audios: Sequence[AudioRow]
) -> dict[int, AudioRow]:
    """Return for each page the audio that serves ``narration`` best, of those of its document."""
    serving = serving_audios(narration, pages, audios, set(narration.formats))
    return {audio.page: audio for audio in sorted(serving, key=_rank)}


def _rank(audio: AudioRow) -> tuple[int, str]:
    """Ready is better than in the making, and that is better than failed; newer is better."""
    if audio.is_ready:
        return 2, audio.requested_at
    return int(not audio.has_failed), audio.requested_at


def narration_view(facts: NarrationFacts) -> NarrationView:
    """Return the narration with its counts."""
    narration = facts.narration
    outcomes = outcomes_of(facts)
    ready = selected_ready(facts)
    total = total_of(facts)
    known = total is not None or narration.ended_at is not None
    settled = known and "waiting" not in outcomes.values()
    failure = _failure(facts, outcomes, settled)
    audiobook = _audiobook(facts, settled, list(outcomes.values()), failure)
    return NarrationView(
        narration_id=narration.narration_id,
        document_id=narration.document_id,
        requested_at=narration.requested_at,
        pages=None if narration.pages is None else ranges_as_text(narration.pages),
        engine=narration.engine,
        voice=narration.voice,
        rate=narration.rate,
        formats=narration.formats,
        state=_state(settled, list(outcomes.values()), audiobook, failure),
        pages_total=total,
        pages_ready=len(ready),
        pages_silent=count(outcomes, "silent"),
        pages_outdated=count(outcomes, "outdated"),
        pages_failed=tuple(
            _page_failure(facts, page) for page in outcomes if outcomes[page] == "failed"
        ),
        characters=sum(
            facts.pages[page].segments_characters or 0 for page in outcomes if page in facts.pages
        ),
        duration_ms=sum(audio.duration_ms or 0 for audio in ready),
        first_ready_at=min((audio.ready_at for audio in ready if audio.ready_at), default=None),
        audiobook=audiobook,
        failure=failure,
    )


def outcomes_of(facts: NarrationFacts) -> dict[int, Outcome]:
    """Return what became of each page that was asked for, in the order of the pages."""
    return {page: _outcome(facts, page) for page in _selected(facts)}


def selected_ready(facts: NarrationFacts) -> list[AudioRow]:
    """Return the audios of the pages asked for that can be heard, in the order of the pages."""
    return [
        facts.audios[page]
        for page in _selected(facts)
        if page in facts.audios and facts.audios[page].is_ready
    ]


def _selected(facts: NarrationFacts) -> list[int]:
    """The pages that were asked for and are known to exist, and the first that may still turn up.

    As many as the document has at most: what people ask for may be far more.
    """
    asked, last = facts.narration.pages, facts.document.page_count
    if last is not None:
        return list(range(1, last + 1)) if asked is None else list(pages_in(asked, last))
    known = sorted(facts.pages)
    if asked is None:
        return known
    far = asked[-1].last
    ahead = next((page for page in pages_in(asked, far) if page not in facts.pages), None)
    seen = {page for page in known if holds(asked, page)}
    return sorted(seen if ahead is None else seen | {ahead})


def total_of(facts: NarrationFacts) -> int | None:
    """Return how many pages were asked for; None if nobody knows yet."""
    if facts.document.page_count is not None:
        return len(_selected(facts))
    return None if facts.narration.pages is None else count_in(facts.narration.pages)


def _outcome(facts: NarrationFacts, page: int) -> Outcome:
    row, audio = facts.pages.get(page), facts.audios.get(page)
    if audio is not None and audio.is_ready:
        return "ready"
    if audio is not None and not audio.has_failed:
        return "waiting"
    if row is None or not row.is_extracted:
        return _still_waiting(facts)
    if not row.is_cut:
        if row.failed_code:
            return "failed"
        return _still_waiting(facts) if page in facts.waiting else "outdated"
    if row.utterances == 0:
        return "silent"
    if page in facts.waiting:
        return _still_waiting(facts)
    return "failed" if audio is not None else "outdated"


def _still_waiting(facts: NarrationFacts) -> Outcome:
    """What has not come when the end was decided is not waited for."""
    return "waiting" if facts.narration.ended_at is None else "failed"


def _page_failure(facts: NarrationFacts, page: int) -> PageFailure:
    audio, row = facts.audios.get(page), facts.pages.get(page)
    why = audio if audio is not None else row
    if why is None or why.failed_code is None:
        return PageFailure(page=page, **LATE.model_dump())
    return PageFailure(page=page, **failure(why.failed_code, why.failed_reason).model_dump())


def _failure(
    facts: NarrationFacts, outcomes: Mapping[int, Outcome], settled: bool
) -> Failure | None:
    """Why nothing at all can come of the narration."""
    rejected = rejection_of(facts.document)
    if rejected is not None:
        return rejected
    if not settled or not set(outcomes.values()) <= {"silent"}:
        return None
    return NOTHING if facts.document.parsed_at is not None else UNREAD


def _audiobook(
    facts: NarrationFacts, settled: bool, outcomes: Sequence[Outcome], failure: Failure | None
) -> AudiobookView | None:
    narration = facts.narration
    if narration.audiobook is None:
        return None
    if facts.audiobook is not None:
        return audiobook_view(facts.audiobook)
    if failure is None and settled:
        if not set(outcomes) <= {"ready", "silent"}:
            failure = NO_AUDIOBOOK
        elif narration.ended_at is not None:
            failure = NOT_MADE
    return AudiobookView(
        audiobook_id=None,
        document_id=narration.document_id,
        narration_id=narration.narration_id,
        format=narration.audiobook,
        state="waiting" if failure is None else "failed",
        failure=failure,
    )


def _state(
    settled: bool,
    outcomes: Sequence[Outcome],
    audiobook: AudiobookView | None,
    failure: Failure | None,
) -> NarrationState:
    if failure is not None:
        return "failed"
    if not settled or (audiobook is not None and audiobook.state in {"waiting", "making"}):
        return "working"
    if "ready" not in outcomes and "failed" in outcomes:
        return "failed"
    if "failed" in outcomes:
        return "partial"
    if "outdated" in outcomes:
        return "outdated"
    return "partial" if audiobook is not None and audiobook.state == "failed" else "ready"


def count(outcomes: Mapping[int, Outcome], wanted: Outcome) -> int:
    """Return how many pages became ``wanted``."""
    return sum(outcome == wanted for outcome in outcomes.values())
