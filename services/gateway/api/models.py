"""What the API answers. Made from views by attribute; object references stay inside."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from services.gateway.views import (
    AudiobookState,
    AudioState,
    DocumentState,
    NarrationState,
    PageState,
)

Item = TypeVar("Item")
IsThere = Annotated[bool, BeforeValidator(lambda value: value is not None)]


class Answer(BaseModel):
    """Read from a view's attributes; what it does not declare is left out."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class FailureModel(Answer):
    """Why something did not work."""

    code: str
    reason: str


class ChapterModel(Answer):
    """A stretch of whole pages."""

    title: str
    first_page: int
    level: int


class DocumentModel(Answer):
    """A document. ``pages_total`` is null until all of it was read."""

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
    chapters: tuple[ChapterModel, ...]
    warnings: tuple[str, ...]
    cover: IsThere
    failure: FailureModel | None


class SubmittedModel(DocumentModel):
    """A document that was just handed in, and the narration that was ordered with it."""

    narration_id: UUID | None = None


class RenditionModel(Answer):
    """A page's audio in one format."""

    format: str
    bytes: int = Field(validation_alias=AliasPath("object", "size"))
    sha256: str = Field(validation_alias=AliasPath("object", "sha256"))


class AudioModel(Answer):
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
    renditions: tuple[RenditionModel, ...]
    timings: IsThere
    captions: IsThere
    failure: FailureModel | None


class PageModel(Answer):
    """A page. ``revision`` is 0 as it was extracted; each edit adds 1."""

    document_id: UUID
    page: int
    title: str | None
    language: str | None
    characters: int | None
    revision: int
    state: PageState
    failure: FailureModel | None


class PageTextModel(PageModel):
    """A page with its Markdown and the audios of this revision, newest first."""

    text: str
    audios: tuple[AudioModel, ...]


class AudiobookModel(Answer):
    """A narration as one file; ``audiobook_id`` is null while it waits for pages."""

    audiobook_id: UUID | None
    document_id: UUID
    narration_id: UUID | None
    format: str
    state: AudiobookState
    duration_ms: int | None
    chapters: int | None
    loudness_lufs: float | None
    bytes: int | None = Field(default=None, validation_alias=AliasPath("object", "size"))
    failure: FailureModel | None


class PageFailureModel(Answer):
    """A page that a narration goes without."""

    page: int
    code: str
    reason: str


class NarrationModel(Answer):
    """An order for audio and how far it is."""

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
    pages_failed: tuple[PageFailureModel, ...]
    characters: int
    duration_ms: int
    first_ready_at: str | None
    audiobook: AudiobookModel | None
    failure: FailureModel | None


class PageStandingModel(Answer):
    """Where a page stands."""

    page: int
    revision: int
    state: PageState
    failure: FailureModel | None


class AudioStandingModel(Answer):
    """Where an audio stands."""

    audio_id: UUID
    page: int
    revision: int
    state: AudioState
    done: int
    total: int | None
    duration_ms: int | None
    failure: FailureModel | None


class VoiceModel(Answer):
    """A voice that can be chosen."""

    id: str
    name: str
    language: str
    gender: str | None
    default: bool


class EngineModel(Answer):
    """An engine and its voices."""

    engine: str
    default: bool
    default_voice: str
    voices: tuple[VoiceModel, ...]


class Listing(BaseModel, Generic[Item]):
    """Some of a list; ask again with ``cursor`` set to ``next`` for more, unless that is null."""

    items: Sequence[Item]
    next: str | None = None


class ProblemModel(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    code: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemModel, "description": "The request cannot be served as it is."},
    "5XX": {"model": ProblemModel, "description": "The service cannot serve it now."},
}
