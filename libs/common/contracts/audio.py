"""Audio: voices, pages spoken, audiobooks."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import (
    DAY_MS,
    REVISION,
    DocumentEvent,
    Event,
    ObjectRef,
    PageNumber,
    Value,
)
from libs.common.contracts.details import FAILURE, details_in
from libs.common.contracts.formats import MAX_FORMATS, AudiobookFormat, PageFormats, Rate
from libs.common.contracts.identifiers import Code, Language, Name, VoiceName

MAX_VOICES = 5000
MAX_NAME_CHARACTERS = 200
LOUDNESS = "Integrated, BS.1770; null where there is too little sound to measure."
CONTENTS = details_in("AudiobookContents")


class Rendition(Value):
    """The same audio in one format."""

    format: Name = Field(description="m4a, mp3 or opus; there may be more of them.")
    object: ObjectRef = Field(description="Where the audio is stored.")


class VoiceInfo(Value):
    """A voice, as people choose it. ``name`` is what its maker calls it."""

    id: VoiceName
    name: str = Field(max_length=MAX_NAME_CHARACTERS)
    language: Language
    gender: Name | None


class AudioEvent(DocumentEvent):
    """About one page, spoken one way."""

    stream_name = "audio/{audio_id}"

    audio_id: UUID = Field(description="This audio: one page, spoken one way.")


class RequestedAudioEvent(AudioEvent):
    """About an audio on its way from request to result."""

    requested_by: UUID = Field(description="Who asked for it.")
    page: PageNumber


class AudiobookEvent(DocumentEvent):
    """About a narration as one file."""

    stream_name = "audiobook/{audiobook_id}"

    audiobook_id: UUID = Field(description="This audiobook.")
    narration_id: UUID = Field(description="What it was asked for with.")
    requested_by: UUID = Field(description="Who asked for it.")


class VoicesAnnounced(Event):
    """An engine of synth can speak with these voices."""

    topic = "voices.announced"
    producer = "synth"
    keyed_by = ("engine",)
    stream_name = "engine/{engine}"
    partitions = 1

    engine: Name
    voices: tuple[VoiceInfo, ...] = Field(max_length=MAX_VOICES)
    default_voice: VoiceName
    default: bool = Field(description="Whether this is the default engine.")


class AudioRequested(RequestedAudioEvent):
    """A page is to be spoken; rights and quota are settled."""

    topic = "audio.requested"
    producer = "gateway"

    revision: int = Field(ge=0, description=REVISION)
    segmented_page: ObjectRef = Field(description=details_in("SegmentedPage"))
    characters: int = Field(ge=0, description="Characters to be spoken.")
    engine: Name
    voice: VoiceName
    rate: Rate
    formats: PageFormats


class AudioProgressed(RequestedAudioEvent):
    """Part of a page has been spoken. Kept for one day; skip what you missed."""

    topic = "audio.progressed"
    producer = "synth"
    retention_ms = DAY_MS

    done: int = Field(ge=0, description="Utterances spoken.")
    total: int = Field(ge=0, description="Utterances on the page.")


class AudioReady(RequestedAudioEvent):
    """A page can be heard, complete: as many characters were spoken as were asked for."""

    topic = "audio.ready"
    producer = "synth"
    public = True

    revision: int = Field(ge=0, description=REVISION)
    engine: Name = Field(description="The speech engine: espeak, polly or openai.")
    voice: VoiceName
    rate: Rate
    renditions: tuple[Rendition, ...] = Field(
        min_length=1,
        max_length=MAX_FORMATS,
        description="The same audio, once in each format that was asked for.",
    )
    timings: ObjectRef = Field(description=details_in("Timings"))
    captions: ObjectRef = Field(description="WebVTT.")
    duration_ms: int = Field(ge=0, description="Length in milliseconds.")
    characters_asked: int = Field(ge=0, description="Characters that were to be spoken.")
    characters_spoken: int = Field(ge=0, description="Characters that were; always as many.")
    segments_cached: int = Field(ge=0, description="Utterances that were not spoken anew.")
    loudness_lufs: float | None = Field(description=LOUDNESS)


class AudioFailed(RequestedAudioEvent):
    """A page could not be spoken."""

    topic = "audio.failed"
    producer = "synth"

    code: Code
    details: ObjectRef | None = Field(description=FAILURE)


class AudioDeleted(AudioEvent):
    """An audio was deleted; synth stops work on it and removes its objects."""

    topic = "audio.deleted"
    producer = "gateway"

    deleted_by: UUID


class AudiobookRequested(AudiobookEvent):
    """Every page of a narration is ready; they are to become one file with chapters."""

    topic = "audiobook.requested"
    producer = "gateway"

    format: AudiobookFormat
    page_count: int = Field(ge=1, description="Of how many pages it is made.")
    details: ObjectRef = Field(description=CONTENTS)


class AudiobookReady(AudiobookEvent):
    """A whole document can be heard as one file."""

    topic = "audiobook.ready"
    producer = "synth"
    public = True

    format: Name = Field(description="m4b, mp3 or opus; there may be more of them.")
    object: ObjectRef = Field(description="Where the audiobook is stored.")
    details: ObjectRef = Field(description=CONTENTS)
    duration_ms: int = Field(ge=0, description="Length in milliseconds.")
    chapter_count: int = Field(ge=0, description="How many chapters the file has.")
    loudness_lufs: float | None = Field(description=LOUDNESS)


class AudiobookFailed(AudiobookEvent):
    """An audiobook could not be made."""

    topic = "audiobook.failed"
    producer = "synth"

    code: Code
    details: ObjectRef | None = Field(description=FAILURE)
