"""Narrations and the pages they wait for, as values."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.formats import BookFormat, PageFormat
from services.gateway.audio.rows import SpokenAs


@dataclass(frozen=True, kw_only=True)
class NarrationRow:
    """What somebody asked to hear; ``pages`` None is every page."""

    narration_id: UUID
    document_id: UUID
    owner_id: UUID
    requested_by: UUID
    requested_at: str
    pages: tuple[int, ...] | None
    engine: str
    voice: str
    rate: float
    formats: tuple[PageFormat, ...]
    audiobook: BookFormat | None

    @property
    def spoken_as(self) -> SpokenAs:
        """Engine, voice and rate."""
        return self.engine, self.voice, self.rate

    def includes(self, page: int) -> bool:
        """Whether it asks for a page."""
        return self.pages is None or page in self.pages


@dataclass(frozen=True, kw_only=True)
class RequestedPage:
    """A page that waits for its turn and can be spoken: its utterances, and how they are to sound.

    ``id`` is its place among all that wait.
    """

    id: int
    document_id: UUID
    owner_id: UUID
    page: int
    title: str | None
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
