"""Narrations and the pages they wait for, as values."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal, Self
from uuid import UUID

from libs.common.contracts.base import MAX_PAGES, ObjectRef
from libs.common.contracts.formats import AudiobookFormat, PageFormat
from libs.common.contracts.pages import PageRange
from services.gateway.audio.rows import SpokenAs

EVERY_PAGE = (PageRange(first=1, last=MAX_PAGES),)
"""Every page that a document may have, as ranges."""

Outcome = Literal["waiting", "ready", "silent", "failed", "outdated"]
"""What became of a page that was asked for."""


@dataclass(frozen=True, kw_only=True)
class NarrationRow:
    """What somebody asked to hear; ``pages`` None is every page.

    ``page_count`` is how many the document had then, None if it was still being read.
    """

    narration_id: UUID
    document_id: UUID
    owner_id: UUID
    requested_by: UUID
    requested_at: str
    pages: tuple[PageRange, ...] | None
    engine: str
    voice: str
    rate: float
    formats: tuple[PageFormat, ...]
    audiobook: AudiobookFormat | None
    ended_at: str | None
    ended_before_read: bool | None
    missing: tuple[PageRange, ...] | None
    page_count: int | None = None
    canceled_at: str | None = None

    @property
    def spoken_as(self) -> SpokenAs:
        """Engine, voice and rate."""
        return self.engine, self.voice, self.rate

    def selected(self, page_count: int | None) -> tuple[PageRange, ...] | None:
        """Return the pages that it asks for, of a document that was read to so many, as ranges.

        Pages that the document does not have are among them if they were named. None: every page,
        of a document that is still read.
        """
        last = self.last_page(page_count)
        if self.pages is None and last is not None:
            return (PageRange(first=1, last=last),)
        return self.pages

    def last_page(self, page_count: int | None) -> int | None:
        """Return the last page that there was when it was asked for; None while that is unknown.

        What is added later was not asked for.
        """
        return self.page_count or page_count

    def absent(self, page_count: int | None) -> tuple[PageRange, ...]:
        """Return the pages that it names and that the document does not have, as far as known."""
        last = self.last_page(page_count)
        if self.pages is None or last is None:
            return ()
        return tuple(
            PageRange(first=max(run.first, last + 1), last=run.last)
            for run in self.pages
            if run.last > last
        )


@dataclass(frozen=True, kw_only=True)
class OutcomeRow:
    """How many pages of a narration became ``outcome``, and what is known of them together.

    ``steps`` is another number whenever one of them has moved.
    """

    narration_id: UUID
    outcome: Outcome
    pages: int
    characters: int
    duration_ms: int
    first_ready_at: str | None
    steps: int


@dataclass(frozen=True, kw_only=True)
class RequestedPage:
    """A page that waits for its turn and can be spoken, and how it is to sound.

    ``cost`` is what its characters take of the budget of a day.
    """

    narration_id: UUID
    document_id: UUID
    owner_id: UUID
    page: int
    segments: ObjectRef
    segments_revision: int
    segments_characters: int
    utterances: int
    cost: int
    requested_by: UUID
    engine: str
    voice: str
    rate: float
    formats: tuple[PageFormat, ...]

    @property
    def spoken_as(self) -> SpokenAs:
        """Engine, voice and rate."""
        return self.engine, self.voice, self.rate


@dataclass(frozen=True, kw_only=True)
class DailyBudget:
    """How many characters of an owner may still be asked for on the day of ``now``, in UTC.

    They may be ``most`` in all, or any number if that is 0; ``counted`` of them are gone, the last
    at ``counted_at``, and ``spent`` are to be counted.
    """

    now: datetime
    most: int
    counted: int = 0
    counted_at: str | None = None
    spent: int = 0

    def has_room_for(self, cost: int) -> bool:
        """Return whether so many may be asked for today.

        What costs more than a whole day may have, may go as the first of a day: it would wait for
        ever.
        """
        left = self.left
        return left is None or not cost or not self.gone or cost <= left

    @property
    def gone(self) -> int:
        """How many were asked for today, or are to be."""
        return self.counted + self.spent

    @property
    def left(self) -> int | None:
        """How many more may be asked for today; None: any number."""
        return max(0, self.most - self.gone) if self.most else None

    def after(self, cost: int) -> Self:
        """Return what is left after so many more."""
        return replace(self, spent=self.spent + cost)

    @property
    def day(self) -> str:
        """The day, as ``2026-11-28``."""
        return self.now.astimezone(UTC).date().isoformat()

    @property
    def resumes_at(self) -> datetime:
        """When the next day begins."""
        today = self.now.astimezone(UTC).date()
        return datetime.combine(today + timedelta(days=1), time(), UTC)


USUAL_CHARACTERS_PER_MINUTE = 925.0
"""At rate 1: a million characters are some 18 hours of speech (docs/decisions/0043)."""
MINUTE_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class SpeakingRate:
    """How many characters a voice speaks in a minute, and what that is known from."""

    characters_per_minute: float
    source: Literal["document", "usual"]

    @classmethod
    def measured(cls, characters: int | None, normal_ms: float | None, rate: float) -> Self:
        """Return the rate of a voice that spoke ``characters`` in what were ``normal_ms`` at 1.

        What nobody has heard yet has the usual rate.
        """
        if not characters or not normal_ms:
            usual = USUAL_CHARACTERS_PER_MINUTE * rate
            return cls(characters_per_minute=usual, source="usual")
        per_minute = characters * MINUTE_MS / float(normal_ms) * rate
        return cls(characters_per_minute=per_minute, source="document")

    def minutes(self, characters: int) -> float:
        """Return how long it takes to speak so many."""
        return characters / self.characters_per_minute
