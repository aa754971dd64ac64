"""Audio: voices, pages spoken, audiobooks."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from libs.common.contracts.base import (
    DAY_MS,
    DELETED_BY,
    REVISION,
    Count,
    DocumentEvent,
    Event,
    ObjectRef,
    PageCount,
    PageNumber,
    Value,
)
from libs.common.contracts.details import UNSTORED, AudiobookContents, FailureDetails, details_ref
from libs.common.contracts.formats import MAX_FORMATS, AudiobookFormat, PageFormats, Rate
from libs.common.contracts.identifiers import Code, Language, Name, VoiceName
from libs.common.contracts.speech.timings import Timings
from libs.common.contracts.speech.utterances import SegmentedPage

MAX_VOICES = 5000
MAX_NAME_CHARACTERS = 200
TOO_SHORT = "By BS.1770, to a tenth; null where there is too little sound to measure."

Loudness = Annotated[
    float,
    AfterValidator(lambda lufs: round(lufs, 1)),  # all digits would be a digest of what is said
]


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
    narration_id: UUID = Field(description="The narration that it was asked for with.")
    requested_by: UUID = Field(description="Who asked for it.")


class VoicesAnnounced(Event):
    """An engine of synth can speak with these voices."""

    topic = "voices.announced"
    producer = "synth"
    keyed_by = ("engine",)
    stream_name = "engine/{engine}"
    partitions = 1

    engine: Name
    voices: tuple[VoiceInfo, ...] = Field(max_length=MAX_VOICES, description="All it has now.")
    default_voice: VoiceName
    is_default_engine: bool = Field(description="Whether it speaks where nobody chooses.")


class AudioRequested(RequestedAudioEvent):
    """A page is to be spoken; rights and quota are settled."""

    topic = "audio.requested"
    producer = "gateway"

    revision: Count = Field(description=REVISION)
    segmented_page: ObjectRef = details_ref(SegmentedPage)
    characters: Count = Field(description="Characters to be spoken.")
    engine: Name
    voice: VoiceName
    rate: Rate
    formats: PageFormats


class AudioProgressed(RequestedAudioEvent):
    """Part of a page has been spoken. Kept for one day; skip what you missed."""

    topic = "audio.progressed"
    producer = "synth"
    retention_ms = DAY_MS

    done: Count = Field(description="Utterances spoken.")
    total: Count = Field(description="Utterances on the page.")


class AudioReady(RequestedAudioEvent):
    """A page can be heard, complete: as many characters were spoken as were asked for."""

    topic = "audio.ready"
    producer = "synth"
    public = True

    revision: Count = Field(description=REVISION)
    engine: Name = Field(description="espeak, polly or openai; there may be more of them.")
    voice: VoiceName
    rate: Rate
    renditions: tuple[Rendition, ...] = Field(
        min_length=1,
        max_length=MAX_FORMATS,
        description="The same audio, once in each format that was asked for.",
    )
    timings: ObjectRef = details_ref(Timings)
    captions: ObjectRef = Field(description="WebVTT.")
    duration_ms: Count = Field(description="Length in milliseconds.")
    characters_asked: Count = Field(description="Characters that were to be spoken.")
    characters_spoken: Count = Field(description="Characters that were; always as many.")
    characters_cached: Count = Field(description="Of these, characters that were not spoken anew.")
    segments_cached: Count = Field(description="Utterances that were not spoken anew.")
    loudness_lufs: Loudness | None = Field(description=TOO_SHORT)


class AudioFailed(RequestedAudioEvent):
    """A page could not be spoken."""

    topic = "audio.failed"
    producer = "synth"

    code: Code
    details: ObjectRef | None = details_ref(FailureDetails, UNSTORED)


class AudioDeleted(AudioEvent):
    """An audio was deleted; its files go."""

    topic = "audio.deleted"
    producer = "gateway"

    deleted_by: UUID | None = Field(description=DELETED_BY)


class AudiobookRequested(AudiobookEvent):
    """Every page of a narration is ready; they are to become one file with chapters."""

    topic = "audiobook.requested"
    producer = "gateway"

    format: AudiobookFormat
    page_count: PageCount = Field(description="Of how many pages it is made.")
    details: ObjectRef = details_ref(AudiobookContents)


class AudiobookDeleted(DocumentEvent):
    """An audiobook was deleted, or is not wanted any more; its file goes."""

    topic = "audiobook.deleted"
    producer = "gateway"
    stream_name = "audiobook/{audiobook_id}"

    audiobook_id: UUID = Field(description="This audiobook.")
    deleted_by: UUID | None = Field(description=DELETED_BY)


class AudiobookReady(AudiobookEvent):
    """A whole document can be heard as one file."""

    topic = "audiobook.ready"
    producer = "synth"
    public = True

    format: Name = Field(description="m4b, mp3 or opus; there may be more of them.")
    object: ObjectRef = Field(description="Where the audiobook is stored.")
    details: ObjectRef = details_ref(AudiobookContents)
    duration_ms: Count = Field(description="Length in milliseconds.")
    chapter_count: Count = Field(description="How many chapters the file has.")
    loudness_lufs: Loudness | None = Field(description=TOO_SHORT)


class AudiobookFailed(AudiobookEvent):
    """An audiobook could not be made."""

    topic = "audiobook.failed"
    producer = "synth"

    code: Code
    details: ObjectRef | None = details_ref(FailureDetails, UNSTORED)
