"""Audios, audiobooks and voices as values."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.audio import Rendition, VoiceInfo
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.formats import AudiobookFormat, PageFormat

FORMAT_BITS = {"m4a": 1, "mp3": 2, "opus": 4}
SpokenAs = tuple[str, str, float]
"""Engine, voice and rate: what makes two audios of one text sound alike."""


def format_bits(formats: Iterable[PageFormat]) -> int:
    """Return a set of formats as a number: SQL tells by it whether one set holds another."""
    return sum(FORMAT_BITS[name] for name in set(formats))


@dataclass(frozen=True, kw_only=True)
class AudioRow:
    """An audio that was requested and not deleted, and how far it is."""

    audio_id: UUID
    document_id: UUID
    page: int
    revision: int
    engine: str
    voice: str
    rate: float
    formats: tuple[PageFormat, ...]
    requested_at: str
    done: int | None
    total: int | None
    duration_ms: int | None
    ready_at: str | None
    failed_code: str | None
    failed_reason: str | None
    failed_at: str | None
    given_up_at: str | None

    @property
    def spoken_as(self) -> SpokenAs:
        """Engine, voice and rate."""
        return self.engine, self.voice, self.rate

    @property
    def is_ready(self) -> bool:
        """Whether it can be heard."""
        return self.ready_at is not None

    @property
    def has_failed(self) -> bool:
        """Whether it was given up, by who speaks it or by who waits for it."""
        return not self.is_ready and (self.failed_at or self.given_up_at) is not None


@dataclass(frozen=True)
class AudioFiles:
    """Where the files of an audio are."""

    renditions: tuple[Rendition, ...]
    timings: ObjectRef | None
    captions: ObjectRef | None


@dataclass(frozen=True, kw_only=True)
class AudioFilesRow(AudioRow):
    """An audio and its files, once it is ready."""

    loudness_lufs: float | None
    files: AudioFiles | None


@dataclass(frozen=True, kw_only=True)
class WantedAudios:
    """Which audios of a document are listed, behind those that sound like ``after`` on its page.

    What is None does not matter.
    """

    document_id: UUID
    page: int | None = None
    engine: str | None = None
    voice: str | None = None
    after: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class AudiobookRow:
    """An audiobook that was requested, and perhaps deleted."""

    audiobook_id: UUID
    document_id: UUID
    narration_id: UUID
    format: AudiobookFormat
    requested_at: str
    object: ObjectRef | None
    duration_ms: int | None
    chapters: int | None
    loudness_lufs: float | None
    ready_at: str | None
    failed_code: str | None
    failed_reason: str | None
    failed_at: str | None
    given_up_at: str | None
    deleted_at: str | None

    @property
    def is_being_made(self) -> bool:
        """Whether something is still to come of it."""
        return self.deleted_at is None and self.ready_at is None and not self.has_failed

    @property
    def has_failed(self) -> bool:
        """Whether it was given up, by who makes it or by who waits for it."""
        return self.ready_at is None and (self.failed_at or self.given_up_at) is not None


@dataclass(frozen=True, kw_only=True)
class EngineRow:
    """An engine that announced itself, with its voices."""

    engine: str
    voices: tuple[VoiceInfo, ...]
    default_voice: str
    is_default: bool
    announced_at: str
