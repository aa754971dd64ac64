"""Audio: voices, pages spoken, audiobooks."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import (
    DAY_MS,
    DocumentEvent,
    Event,
    ObjectRef,
    PageNumber,
    Value,
)
from libs.common.contracts.documents import Chapter
from libs.common.contracts.formats import BookFormat, PageFormat, Rate


class Rendition(Value):
    """The same audio in one format."""

    format: str = Field(description="m4a, mp3, opus or m4b.")
    object: ObjectRef = Field(description="Where the audio is stored.")


class VoiceInfo(Value):
    """A voice, as people choose it."""

    id: str
    name: str
    language: str = Field(description="BCP 47.")
    gender: str | None = None


class AudioEvent(DocumentEvent):
    """About one page, spoken one way."""

    stream_name = "audio/{audio_id}"

    audio_id: UUID


class AudiobookEvent(DocumentEvent):
    """About a narration as one file."""

    stream_name = "audiobook/{audiobook_id}"

    audiobook_id: UUID


class VoicesAnnounced(Event):
    """An engine of synth can speak with these voices."""

    topic = "voices.announced"
    producer = "synth"
    keyed_by = ("engine",)
    stream_name = "engine/{engine}"
    partitions = 1

    engine: str
    voices: tuple[VoiceInfo, ...]
    default_voice: str
    default: bool = Field(default=False, description="Whether this is the default engine.")


class AudioRequested(AudioEvent):
    """A page is to be spoken; rights and quota are settled."""

    topic = "audio.requested"
    producer = "gateway"

    owner_id: UUID
    requested_by: UUID
    page: PageNumber
    revision: int = Field(default=0, ge=0)
    segments: ObjectRef = Field(
        description="A libs.common.contracts.utterances.SegmentedPage as JSON."
    )
    characters: int = Field(ge=0, description="Characters to be spoken.")
    engine: str
    voice: str
    rate: Rate = 1.0
    formats: tuple[PageFormat, ...] = ("m4a",)
    title: str = ""


class AudioProgressed(AudioEvent):
    """Part of a page has been spoken. Kept for one day; skip what you missed."""

    topic = "audio.progressed"
    producer = "synth"
    retention_ms = DAY_MS

    page: PageNumber
    done: int = Field(ge=0, description="Utterances spoken.")
    total: int = Field(ge=0, description="Utterances on the page.")


class AudioReady(AudioEvent):
    """A page can be heard, complete: as many characters were spoken as were asked for."""

    topic = "audio.ready"
    producer = "synth"
    public = True

    document_id: UUID = Field(description="The document; also the record's key.")
    audio_id: UUID = Field(description="This audio: one page, spoken one way.")
    page: PageNumber
    revision: int = Field(default=0, ge=0, description="Of the text: 0 as read, +1 per edit.")
    engine: str = Field(description="The speech engine: espeak, polly or openai.")
    voice: str = Field(description="The engine's name of the voice.")
    rate: Rate = 1.0
    renditions: tuple[Rendition, ...] = Field(
        min_length=1, description="The same audio, once in each format that was asked for."
    )
    timings: ObjectRef = Field(description="JSON; offsets into the page's text as shown.")
    captions: ObjectRef = Field(description="WebVTT.")
    duration_ms: int = Field(ge=0, description="Length in milliseconds.")
    characters_asked: int = Field(ge=0, description="Characters that were to be spoken.")
    characters_spoken: int = Field(ge=0, description="Characters that were; always as many.")
    segments_cached: int = Field(
        default=0, ge=0, description="Utterances that were not spoken anew."
    )
    loudness_lufs: float | None = Field(default=None, description="Integrated, BS.1770.")


class AudioFailed(AudioEvent):
    """A page could not be spoken; ``reason`` is a sentence for the one who asked."""

    topic = "audio.failed"
    producer = "synth"

    page: PageNumber
    code: str
    reason: str


class AudioDeleted(AudioEvent):
    """An audio was deleted; synth stops work on it and removes its objects."""

    topic = "audio.deleted"
    producer = "gateway"

    deleted_by: UUID


class AudiobookRequested(AudiobookEvent):
    """Every page of a narration is ready; they are to become one file with chapters."""

    topic = "audiobook.requested"
    producer = "gateway"

    narration_id: UUID
    owner_id: UUID
    requested_by: UUID
    audio_ids: tuple[UUID, ...] = Field(min_length=1, description="In reading order.")
    first_pages: tuple[PageNumber, ...] = Field(description="The page of each audio.")
    format: BookFormat
    title: str
    author: str | None = None
    language: str = "und"
    chapters: tuple[Chapter, ...] = ()
    cover: ObjectRef | None = None


class AudiobookReady(AudiobookEvent):
    """A whole document can be heard as one file."""

    topic = "audiobook.ready"
    producer = "synth"
    public = True

    document_id: UUID = Field(description="The document; also the record's key.")
    audiobook_id: UUID = Field(description="This audiobook.")
    format: BookFormat = Field(description="Its container.")
    object: ObjectRef = Field(description="Where the audiobook is stored.")
    title: str = Field(description="As tagged in the file.")
    duration_ms: int = Field(ge=0, description="Length in milliseconds.")
    chapters: int = Field(ge=0, description="How many chapters the file has.")
    loudness_lufs: float | None = Field(default=None, description="Integrated, BS.1770.")


class AudiobookFailed(AudiobookEvent):
    """An audiobook could not be made; ``reason`` is a sentence for the one who asked."""

    topic = "audiobook.failed"
    producer = "synth"

    code: str
    reason: str
