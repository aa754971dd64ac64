"""What the queries answer: frozen values, made from rows of the read models.

They carry object references, which the API must not show and the command line needs.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from libs.common.database import AnyRow
from libs.common.events import Chapter, ObjectRef, Rendition

DocumentState = Literal["submitted", "reading", "ready", "rejected"]
PageState = Literal["read", "speakable", "silent", "failed"]
AudioState = Literal["waiting", "speaking", "ready", "failed"]
AudiobookState = Literal["waiting", "making", "ready", "failed"]
NarrationState = Literal["working", "ready", "outdated", "failed"]


@dataclass(frozen=True)
class Failure:
    """Why something did not work: a code for machines, a sentence for people."""

    code: str
    reason: str


@dataclass(frozen=True)
class DocumentView:
    """A document. ``pages_total`` is known once all of it was read."""

    document_id: UUID
    state: DocumentState
    title: str
    author: str | None
    language: str | None
    source_kind: str
    source_name: str | None
    media_type: str | None
    submitted_at: str
    pages_ready: int
    pages_total: int | None
    characters: int | None
    chapters: tuple[Chapter, ...]
    warnings: tuple[str, ...]
    cover: ObjectRef | None
    failure: Failure | None


@dataclass(frozen=True)
class PageView:
    """A page of a document; ``text`` is its Markdown as it is now."""

    document_id: UUID
    page: int
    title: str | None
    language: str | None
    characters: int | None
    revision: int
    state: PageState
    failure: Failure | None
    text: ObjectRef


@dataclass(frozen=True)
class AudioView:
    """One page, spoken one way. ``done`` of ``total`` utterances are."""

    audio_id: UUID
    document_id: UUID
    page: int
    revision: int
    engine: str
    voice: str
    rate: float
    formats: tuple[str, ...]
    state: AudioState
    requested_at: str
    done: int
    total: int | None
    duration_ms: int | None
    loudness_lufs: float | None
    renditions: tuple[Rendition, ...]
    timings: ObjectRef | None
    captions: ObjectRef | None
    failure: Failure | None


@dataclass(frozen=True)
class AudiobookView:
    """A narration as one file. Until all its pages are there it has no ``audiobook_id``."""

    audiobook_id: UUID | None
    document_id: UUID
    narration_id: UUID | None
    format: str
    state: AudiobookState
    duration_ms: int | None
    chapters: int | None
    loudness_lufs: float | None
    object: ObjectRef | None
    failure: Failure | None


@dataclass(frozen=True)
class PageFailure:
    """A page that a narration goes without."""

    page: int
    code: str
    reason: str


@dataclass(frozen=True)
class NarrationView:
    """An order and how far it is.

    ``pages_total`` is unknown while a document of which everything was ordered is still read.
    ``pages_silent`` have nothing to speak; ``pages_outdated`` were edited, or their audio deleted,
    since they were spoken. ``characters`` are those of the ordered pages known so far;
    ``first_ready_at`` is when the first of its pages could be heard.
    """

    narration_id: UUID
    document_id: UUID
    requested_at: str
    pages: tuple[int, ...] | None
    engine: str
    voice: str
    rate: float
    formats: tuple[str, ...]
    state: NarrationState
    pages_total: int | None
    pages_ready: int
    pages_silent: int
    pages_outdated: int
    pages_failed: tuple[PageFailure, ...]
    characters: int
    duration_ms: int
    first_ready_at: str | None
    audiobook: AudiobookView | None
    failure: Failure | None

    @property
    def finished(self) -> bool:
        """Whether nothing more is going to happen by itself."""
        return self.state != "working"


@dataclass(frozen=True)
class VoiceView:
    """A voice that can be chosen; ``default`` for one of each engine."""

    engine: str
    id: str
    name: str
    language: str
    gender: str | None
    default: bool


@dataclass(frozen=True)
class EngineView:
    """An engine and its voices; ``default`` for the one that is used when nobody chooses."""

    engine: str
    default: bool
    default_voice: str
    voices: tuple[VoiceView, ...]


def document_view(row: AnyRow, pages_ready: int) -> DocumentView:
    """Return a document from its row and the number of its pages that can be read."""
    failure = Failure(row.rejected_code, row.rejected_reason) if row.rejected_at else None
    state: DocumentState = "reading" if pages_ready else "submitted"
    if row.parsed_at:
        state = "ready"
    if failure:
        state = "rejected"
    return DocumentView(
        document_id=UUID(row.document_id),
        state=state,
        title=row.given_title or row.found_title or row.source_name or "Untitled",
        author=row.author,
        language=row.language,
        source_kind=row.source_kind,
        source_name=row.source_name,
        media_type=row.media_type,
        submitted_at=row.submitted_at,
        pages_ready=pages_ready,
        pages_total=row.page_count,
        characters=row.characters,
        chapters=tuple(Chapter.model_validate(each) for each in row.chapters or ()),
        warnings=tuple(row.warnings or ()),
        cover=_object(row.cover),
        failure=failure,
    )


def page_view(row: AnyRow) -> PageView:
    """Return a page from its row, which must have been extracted."""
    state, failure = page_state(row)
    found = None if row.edited else row.extracted_characters
    return PageView(
        document_id=UUID(row.document_id),
        page=row.page,
        title=row.title,
        language=row.language,
        characters=row.segments_characters if state == "speakable" else found,
        revision=row.edited_revision or 0,
        state=state,
        failure=failure,
        text=ObjectRef.model_validate(row.edited or row.extracted),
    )


def page_state(row: AnyRow) -> tuple[PageState, Failure | None]:
    """Return the state of an extracted page, and why it failed if it did."""
    if row.segments_revision == (row.edited_revision or 0):
        return "speakable" if row.utterances else "silent", None
    return ("failed", _failure(row)) if row.failed_code else ("read", None)


def audio_view(row: AnyRow) -> AudioView:
    """Return an audio from its row, which must have been requested."""
    state, failure = audio_state(row)
    return AudioView(
        audio_id=UUID(row.audio_id),
        document_id=UUID(row.document_id),
        page=row.page,
        revision=row.revision,
        engine=row.engine,
        voice=row.voice,
        rate=row.rate,
        formats=tuple(row.formats),
        state=state,
        requested_at=row.requested_at,
        done=row.done or 0,
        total=row.total,
        duration_ms=row.duration_ms,
        loudness_lufs=row.loudness_lufs,
        renditions=tuple(Rendition.model_validate(each) for each in row.renditions or ()),
        timings=_object(row.timings),
        captions=_object(row.captions),
        failure=failure,
    )


def audio_state(row: AnyRow) -> tuple[AudioState, Failure | None]:
    """Return the state of a requested audio, and why it failed if it did."""
    if row.ready_at is not None:
        return "ready", None
    if row.failed_at is not None:
        return "failed", _failure(row)
    return ("speaking" if row.done else "waiting"), None


def audiobook_view(row: AnyRow) -> AudiobookView:
    """Return an audiobook from its row, which must have been requested."""
    state: AudiobookState = "making"
    if row.ready_at:
        state = "ready"
    elif row.failed_at:
        state = "failed"
    return AudiobookView(
        audiobook_id=UUID(row.audiobook_id),
        document_id=UUID(row.document_id),
        narration_id=UUID(row.narration_id),
        format=row.format,
        state=state,
        duration_ms=row.duration_ms,
        chapters=row.chapters,
        loudness_lufs=row.loudness_lufs,
        object=_object(row.object),
        failure=_failure(row) if state == "failed" else None,
    )


def engine_view(row: AnyRow, default: bool) -> EngineView:
    """Return an engine from its row, the site's default or not."""
    voices = tuple(
        VoiceView(
            engine=row.engine,
            id=each["id"],
            name=each["name"],
            language=each["language"],
            gender=each.get("gender"),
            default=each["id"] == row.default_voice,
        )
        for each in row.voices
    )
    return EngineView(row.engine, default, row.default_voice, voices)


def _object(value: Any) -> ObjectRef | None:
    return ObjectRef.model_validate(value) if value else None


def _failure(row: AnyRow) -> Failure:
    return Failure(row.failed_code, row.failed_reason)
