"""How far a narration is, worked out from how many of its pages became what."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from libs.common.contracts.pages import count_in, ranges_as_text
from services.gateway.audio.rows import AudiobookRow
from services.gateway.audio.views import AudiobookView, audiobook_view
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.views import rejection_of
from services.gateway.kernel.views import Failure
from services.gateway.narrations.rows import NarrationRow, Outcome, OutcomeRow
from services.gateway.narrations.views import NarrationState, NarrationView, NarrationWait

NO_AUDIOBOOK = Failure(
    code="pages_missing",
    reason="Some pages have no audio, so there is no audiobook; see which, and why.",
)
NOT_MADE = Failure(code="audiobook_failed", reason="The audiobook could not be made.")
UNREAD = Failure(code="timeout", reason="Nothing of the document was read in time.")
NOTHING = Failure(code="nothing_to_speak", reason="There is nothing to speak on these pages.")
WELL: frozenset[Outcome] = frozenset({"ready", "silent"})


@dataclass(frozen=True, kw_only=True)
class NarrationFacts:
    """What is known of a narration; ``known`` are the pages that anything is known of."""

    narration: NarrationRow
    document: DocumentRow
    known: Sequence[OutcomeRow]
    audiobook: AudiobookRow | None

    @cached_property
    def pages_total(self) -> int | None:
        """How many pages were asked for; None while that is unknown."""
        selected = self.narration.selected(self.document.page_count)
        return None if selected is None else count_in(selected)

    @cached_property
    def outcomes(self) -> Mapping[Outcome, int]:
        """How many pages became what, those included that nothing is known of yet."""
        counts: Counter[Outcome] = Counter()
        for row in self.known:
            counts[row.outcome] += row.pages
        absent = count_in(self.narration.absent(self.document.page_count))
        if absent:
            counts["failed"] += absent
        unknown = (self.pages_total or 0) - counts.total()
        if unknown > 0:
            counts["waiting" if self.narration.ended_at is None else "failed"] += unknown
        return counts

    @property
    def duration_ms(self) -> int:
        """Length of the pages that can be heard."""
        return sum(row.duration_ms for row in self.known)

    @property
    def pages_missing(self) -> int:
        """Pages that cannot be heard though there may be something to speak on them."""
        return sum(count for outcome, count in self.outcomes.items() if outcome not in WELL)

    @property
    def may_have_audiobook(self) -> bool:
        """Whether one was asked for, none was requested, and no page is missing."""
        if self.narration.audiobook is None or self.audiobook is not None:
            return False
        return self.document.parsed_at is not None and self.is_all_there

    @property
    def is_all_there(self) -> bool:
        """Whether there is something to be heard, and no page is missing."""
        return self.outcomes.get("ready", 0) > 0 and self.pages_missing == 0


def narration_view(facts: NarrationFacts, wait: NarrationWait | None = None) -> NarrationView:
    """Return the narration with its counts, and with what it waits for."""
    narration, outcomes = facts.narration, facts.outcomes
    known = facts.pages_total is not None or narration.ended_at is not None
    settled = known and not outcomes.get("waiting")
    failure = _failure(facts, settled)
    audiobook = _audiobook(facts, settled, failure)
    since = (row.first_ready_at for row in facts.known if row.first_ready_at)
    return NarrationView(
        narration_id=narration.narration_id,
        document_id=narration.document_id,
        requested_at=narration.requested_at,
        pages=None if narration.pages is None else ranges_as_text(narration.pages),
        engine=narration.engine,
        voice=narration.voice,
        rate=narration.rate,
        formats=narration.formats,
        state=_state(facts, settled, audiobook, failure),
        pages_total=facts.pages_total,
        pages_ready=outcomes.get("ready", 0),
        pages_silent=outcomes.get("silent", 0),
        pages_outdated=outcomes.get("outdated", 0),
        pages_failed=outcomes.get("failed", 0),
        characters=sum(row.characters for row in facts.known),
        duration_ms=facts.duration_ms,
        first_ready_at=min(since, default=None),
        wait=wait,
        audiobook=audiobook,
        failure=failure,
    )


def _failure(facts: NarrationFacts, settled: bool) -> Failure | None:
    """Why nothing at all can come of the narration."""
    rejected = rejection_of(facts.document)
    if rejected is not None:
        return rejected
    if not settled or not set(facts.outcomes) <= {"silent"}:
        return None
    return NOTHING if facts.document.parsed_at is not None else UNREAD


def _audiobook(
    facts: NarrationFacts, settled: bool, failure: Failure | None
) -> AudiobookView | None:
    narration = facts.narration
    if narration.audiobook is None:
        return None
    if facts.audiobook is not None:
        return audiobook_view(facts.audiobook)
    if failure is None and settled:
        if facts.pages_missing:
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
    facts: NarrationFacts,
    settled: bool,
    audiobook: AudiobookView | None,
    failure: Failure | None,
) -> NarrationState:
    if facts.narration.canceled_at is not None:
        return "canceled"
    if failure is not None:
        return "failed"
    if not settled or (audiobook is not None and audiobook.state in {"waiting", "making"}):
        return "working"
    outcomes = facts.outcomes
    if outcomes.get("failed"):
        return "partial" if outcomes.get("ready") else "failed"
    if outcomes.get("outdated") or (audiobook is not None and audiobook.state == "deleted"):
        return "outdated"
    return "partial" if audiobook is not None and audiobook.state == "failed" else "ready"
