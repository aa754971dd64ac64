"""Narrations and the pages they wait for, as values."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.formats import AudiobookFormat, PageFormat
from libs.common.contracts.pages import PageRange, holds
from services.gateway.audio.rows import SpokenAs


@dataclass(frozen=True, kw_only=True)
class NarrationRow:
    """What somebody asked to hear; ``pages`` None is every page."""

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

    @property
    def spoken_as(self) -> SpokenAs:
        """Engine, voice and rate."""
        return self.engine, self.voice, self.rate

    def is_interested_in(self, page: int) -> bool:
        """Whether it may still have to be given audio for a page.

        Of one that has ended, that is what it was left without: an event about it may still come.
        """
        if self.ended_at is None or self.ended_before_read:
            return self.includes(page)
        return holds(self.missing or (), page)

    def includes(self, page: int) -> bool:
        """Whether it asks for a page."""
        return self.pages is None or holds(self.pages, page)


@dataclass(frozen=True, kw_only=True)
class RequestedPage:
    """A page that waits for its turn and can be spoken, and how it is to sound."""

    document_id: UUID
    owner_id: UUID
    page: int
    segments: ObjectRef
    segments_revision: int
    segments_characters: int
    utterances: int
    requested_by: UUID
    engine: str
    voice: str
    rate: float
    formats: tuple[PageFormat, ...]

    @property
    def spoken_as(self) -> SpokenAs:
        """Engine, voice and rate."""
        return self.engine, self.voice, self.rate
