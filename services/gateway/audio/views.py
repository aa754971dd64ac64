"""What people see of audios, audiobooks and voices."""

from typing import Literal
from uuid import UUID

from pydantic import Field, computed_field

from libs.common.contracts.audio import Rendition
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.formats import MAX_FORMATS, AudiobookFormat, PageFormat
from services.gateway.audio.rows import AudiobookRow, AudioFilesRow, AudioRow, EngineRow
from services.gateway.documents.views import PageView
from services.gateway.kernel.views import Failure, Moment, View, failure

MOST_AUDIOS = 100
"""Of one page, in one answer: more than most sites allow sounds."""

AudioState = Literal["waiting", "speaking", "ready", "failed"]
AudiobookState = Literal["waiting", "making", "ready", "failed", "deleted"]


class RenditionView(View):
    """A page's audio in one format."""

    format: str
    bytes: int
    sha256: str
    object: ObjectRef = Field(exclude=True)


class AudioView(View):
    """One page, spoken one way. ``done`` of ``total`` utterances are; at the end, all.

    While it is spoken, both are told every few seconds; ``total`` is null until then.
    """

    audio_id: UUID
    document_id: UUID
    page: int
    revision: int
    engine: str
    voice: str
    rate: float
    formats: tuple[PageFormat, ...] = Field(max_length=MAX_FORMATS)
    state: AudioState
    requested_at: Moment
    done: int
    total: int | None
    duration_ms: int | None
    loudness_lufs: float | None
    renditions: tuple[RenditionView, ...] = Field(max_length=MAX_FORMATS)
    timings_object: ObjectRef | None = Field(exclude=True)
    captions_object: ObjectRef | None = Field(exclude=True)
    failure: Failure | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def timings(self) -> bool:
        """Whether there are timings."""
        return self.timings_object is not None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def captions(self) -> bool:
        """Whether there are captions."""
        return self.captions_object is not None


class AudiobookView(View):
    """A narration as one file; ``audiobook_id`` is null while it waits for pages.

    One that is ``deleted`` is shown by its narration alone.
    """

    audiobook_id: UUID | None
    document_id: UUID
    narration_id: UUID | None
    format: AudiobookFormat
    state: AudiobookState
    duration_ms: int | None = None
    chapters: int | None = None
    loudness_lufs: float | None = None
    object: ObjectRef | None = Field(default=None, exclude=True)
    failure: Failure | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def bytes(self) -> int | None:
        """Size of the file."""
        return self.object.size if self.object else None


class PageTextView(PageView):
    """A page with its Markdown and the newest audios of this revision, the newest first."""

    text: str
    audios: tuple[AudioView, ...] = Field(max_length=MOST_AUDIOS)


class VoiceView(View):
    """A voice that can be chosen; ``default`` for one of each engine."""

    engine: str
    id: str
    name: str
    language: str
    gender: str | None
    default: bool


class EngineView(View):
    """An engine; ``default`` for the one that is used when nobody chooses."""

    engine: str
    default: bool
    default_voice: str
    voices: int


def audio_view(row: AudioFilesRow) -> AudioView:
    """Return an audio from its row."""
    state, reason = audio_state(row)
    return AudioView(
        audio_id=row.audio_id,
        document_id=row.document_id,
        page=row.page,
        revision=row.revision,
        engine=row.engine,
        voice=row.voice,
        rate=row.rate,
        formats=row.formats,
        state=state,
        requested_at=row.requested_at,
        done=(row.total if row.is_ready and row.total else row.done) or 0,
        total=row.total,
        duration_ms=row.duration_ms,
        loudness_lufs=row.loudness_lufs,
        renditions=tuple(map(_rendition, row.files.renditions if row.files else ())),
        timings_object=row.files and row.files.timings,
        captions_object=row.files and row.files.captions,
        failure=reason,
    )


def audio_state(row: AudioRow) -> tuple[AudioState, Failure | None]:
    """Return the state of an audio, and why it failed if it did."""
    if row.is_ready:
        return "ready", None
    if row.has_failed:
        return "failed", failure(row.failed_code, row.failed_reason)
    return ("speaking" if row.done else "waiting"), None


def audiobook_view(row: AudiobookRow) -> AudiobookView:
    """Return an audiobook from its row."""
    state: AudiobookState = "making"
    if row.deleted_at:
        state = "deleted"
    elif row.ready_at:
        state = "ready"
    elif row.has_failed:
        state = "failed"
    return AudiobookView(
        audiobook_id=row.audiobook_id,
        document_id=row.document_id,
        narration_id=row.narration_id,
        format=row.format,
        state=state,
        duration_ms=row.duration_ms,
        chapters=row.chapters,
        loudness_lufs=row.loudness_lufs,
        object=None if row.deleted_at else row.object,
        failure=failure(row.failed_code, row.failed_reason) if state == "failed" else None,
    )


def engine_view(row: EngineRow, default: bool) -> EngineView:
    """Return an engine from its row, the site's default or not."""
    return EngineView(
        engine=row.engine,
        default=default,
        default_voice=row.default_voice,
        voices=len(row.voices),
    )


def voice_views(row: EngineRow, language: str | None = None) -> tuple[VoiceView, ...]:
    """Return the voices of an engine that speak ``language``, as ``en`` or ``en-GB``, or all."""
    return tuple(
        VoiceView(
            engine=row.engine,
            id=voice.id,
            name=voice.name,
            language=voice.language,
            gender=voice.gender,
            default=voice.id == row.default_voice,
        )
        for voice in row.voices
        if language is None or speaks(voice.language, language)
    )


def speaks(spoken: str, wanted: str) -> bool:
    """Return whether a voice for one language, BCP 47, speaks another: ``en-GB`` speaks ``en``."""
    return f"{spoken.lower()}-".startswith(f"{wanted.lower()}-")


def _rendition(rendition: Rendition) -> RenditionView:
    stored = rendition.object
    return RenditionView(
        format=rendition.format, bytes=stored.size, sha256=stored.sha256, object=stored
    )
