"""Every event that crosses a service boundary, declared once.

A document travels through these, top to bottom:

    DocumentSubmitted    gateway   -> ingest
    PageExtracted        ingest    -> segmenter, gateway
    DocumentParsed       ingest    -> gateway
    PageSegmented        segmenter -> gateway
    AudioRequested       gateway   -> synth
    AudioProgressed      synth     -> gateway
    AudioReady           synth     -> gateway, notifier, everybody
    AudiobookRequested   gateway   -> synth
    AudiobookReady       synth     -> gateway, notifier, everybody

An event class is its topic, its wire name, its schema and its documentation. To add a field, give
it a default. To change a meaning, raise ``version`` and add an upcaster.
``libs.common.cloudevents`` puts events on the wire; ``docs/events.md`` is what strangers read.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.common.errors import Malformed, UnknownVersion

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

DAY_MS = 24 * 60 * 60 * 1000
FOREVER = -1

PageFormat = Literal["m4a", "mp3", "opus"]
BookFormat = Literal["m4b", "mp3", "opus"]
PageNumber = Annotated[int, Field(ge=1, description="Page of the document, from 1, no gaps.")]
Rate = Annotated[float, Field(ge=0.5, le=3.0, description="Speaking rate; 1.0 is normal.")]


class Value(BaseModel):
    """A part of an event: frozen, compared by value, tolerant of fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ObjectRef(Value):
    """Where an object is stored and what it must be; payloads carry this, never the bytes."""

    key: str = Field(description="Name of the object in the installation's object storage.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of its bytes, hex.")
    size: int = Field(ge=0, description="Bytes.")
    media_type: str = Field(default="application/octet-stream", description="IANA media type.")


class Event(Value):
    """A fact, named in the past tense.

    ``event_id`` and ``occurred_at`` travel as CloudEvents attributes (``ce_id``, ``ce_time``), the
    remaining fields as the JSON value. ``topic`` doubles as ``ce_type``.
    """

    topic: ClassVar[str]
    producer: ClassVar[str]
    version: ClassVar[int] = 1
    upcasters: ClassVar[dict[int, Upcaster]] = {}
    public: ClassVar[bool] = False
    partitions: ClassVar[int] = 12
    retention_ms: ClassVar[int] = FOREVER

    event_id: UUID = Field(default_factory=uuid4, exclude=True)
    occurred_at: datetime = Field(default_factory=lambda: datetime.now(UTC), exclude=True)

    @property
    def key(self) -> str:
        """The aggregate this is about: Kafka key and ``ce_subject``; order holds per key."""
        return str(getattr(self, "document_id"))  # noqa: B009 - declared by every subclass that keeps this key

    @property
    def stream(self) -> str:
        """The stream of the event store that guards this fact."""
        return f"document/{self.key}"

    def encode(self) -> bytes:
        """Return the JSON value, with the ``version`` that :meth:`decode` reads."""
        body = {"version": self.version, **self.model_dump(mode="json")}
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def decode(cls, raw: bytes, *, event_id: UUID, occurred_at: datetime) -> Self:
        """Read a value of any released version.

        Raises:
            UnknownVersion: ``raw`` is newer than this code.
            Malformed: ``raw`` does not fit the schema.
        """
        try:
            body = json.loads(raw)
            found = int(body.pop("version", 1))
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise Malformed(cls.__name__, "the value is not a JSON object") from error
        if found < 1:
            raise Malformed(cls.__name__, f"no version is {found}")
        if found > cls.version:
            raise UnknownVersion(cls.__name__, found, cls.version)
        for old in range(found, cls.version):
            body = cls.upcasters[old](body)
        try:
            return cls.model_validate({**body, "event_id": event_id, "occurred_at": occurred_at})
        except ValidationError as error:
            where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            raise Malformed(cls.__name__, f"check {where}") from error


class Chapter(Value):
    """A stretch of whole pages with a title of its own."""

    title: str
    first_page: PageNumber
    level: int = Field(default=1, ge=1, description="Depth in the table of contents, from 1.")


class Source(Value):
    """Where a document comes from. Exactly one of ``object`` and ``url`` is set."""

    kind: Literal["file", "url", "text"]
    object: ObjectRef | None = None
    url: str | None = None
    filename: str | None = None


class DocumentSubmitted(Event):
    """Somebody handed in a document; an uploaded file is already in storage."""

    topic = "document.submitted"
    producer = "gateway"

    document_id: UUID
    owner_id: UUID
    source: Source
    title: str | None = Field(default=None, description="As given by the owner; else found.")


class DocumentDeleted(Event):
    """The owner deleted a document; everything made from it goes too."""

    topic = "document.deleted"
    producer = "gateway"

    document_id: UUID
    deleted_by: UUID


class PageEdited(Event):
    """Somebody with the right to do so replaced a page's text."""

    topic = "page.edited"
    producer = "gateway"

    document_id: UUID
    page: PageNumber
    revision: int = Field(ge=1, description="0 is what ingest extracted; each edit adds 1.")
    text: ObjectRef = Field(description="Markdown, UTF-8.")
    language: str
    edited_by: UUID


class NarrationRequested(Event):
    """Somebody asked to hear pages, and perhaps the whole as one file.

    The gateway's policy turns it into ``audio.requested`` page by page as pages become ready.
    """

    topic = "narration.requested"
    producer = "gateway"

    document_id: UUID
    narration_id: UUID
    owner_id: UUID
    requested_by: UUID
    pages: tuple[PageNumber, ...] | None = Field(default=None, description="None: every page.")
    engine: str
    voice: str
    rate: Rate = 1.0
    formats: tuple[PageFormat, ...] = ("m4a",)
    audiobook: BookFormat | None = None

    @property
    def stream(self) -> str:
        """One stream per narration."""
        return f"narration/{self.narration_id}"


class AudioRequested(Event):
    """A page is to be spoken; rights and quota are settled."""

    topic = "audio.requested"
    producer = "gateway"

    document_id: UUID
    audio_id: UUID
    owner_id: UUID
    requested_by: UUID
    page: PageNumber
    revision: int = Field(default=0, ge=0)
    segments: ObjectRef = Field(description="A libs.common.utterances.SegmentedPage as JSON.")
    characters: int = Field(ge=0, description="Characters to be spoken.")
    engine: str
    voice: str
    rate: Rate = 1.0
    formats: tuple[PageFormat, ...] = ("m4a",)
    title: str = ""

    @property
    def stream(self) -> str:
        """One stream per audio."""
        return f"audio/{self.audio_id}"


class AudioDeleted(Event):
    """An audio was deleted; synth stops work on it and removes its objects."""

    topic = "audio.deleted"
    producer = "gateway"

    document_id: UUID
    audio_id: UUID
    deleted_by: UUID

    @property
    def stream(self) -> str:
        """One stream per audio."""
        return f"audio/{self.audio_id}"


class AudiobookRequested(Event):
    """Every page of a narration is ready; they are to become one file with chapters."""

    topic = "audiobook.requested"
    producer = "gateway"

    document_id: UUID
    audiobook_id: UUID
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

    @property
    def stream(self) -> str:
        """One stream per audiobook."""
        return f"audiobook/{self.audiobook_id}"


class PageExtracted(Event):
    """A page's text was found; pages are announced in order, while the rest is still read."""

    topic = "page.extracted"
    producer = "ingest"

    document_id: UUID
    page: PageNumber
    text: ObjectRef = Field(description="Markdown, UTF-8.")
    characters: int = Field(ge=0)
    language: str = "und"
    title: str | None = Field(default=None, description="Heading of the chapter it is in.")


class DocumentParsed(Event):
    """All pages of a document were extracted."""

    topic = "document.parsed"
    producer = "ingest"

    document_id: UUID
    pages: int = Field(ge=1)
    characters: int = Field(ge=1)
    title: str
    author: str | None = None
    language: str = "und"
    media_type: str = "application/octet-stream"
    chapters: tuple[Chapter, ...] = ()
    cover: ObjectRef | None = None
    warnings: tuple[str, ...] = ()


class DocumentRejected(Event):
    """A document cannot be read; ``reason`` is a sentence for its owner."""

    topic = "document.rejected"
    producer = "ingest"

    document_id: UUID
    code: str
    reason: str


class PageSegmented(Event):
    """A page was cut into utterances."""

    topic = "page.segmented"
    producer = "segmenter"

    document_id: UUID
    page: PageNumber
    revision: int = Field(default=0, ge=0)
    segments: ObjectRef = Field(description="A libs.common.utterances.SegmentedPage as JSON.")
    utterances: int = Field(ge=0)
    characters: int = Field(ge=0, description="Characters that will be spoken.")
    language: str = "und"

    @property
    def stream(self) -> str:
        """One stream per page."""
        return f"page/{self.document_id}/{self.page}"


class VoicesAnnounced(Event):
    """An engine of synth can speak with these voices."""

    topic = "voices.announced"
    producer = "synth"
    partitions = 1

    engine: str
    voices: tuple["VoiceInfo", ...]
    default_voice: str
    default: bool = Field(default=False, description="Whether this is the default engine.")

    @property
    def key(self) -> str:
        """Keyed by engine: the latest announcement counts."""
        return self.engine

    @property
    def stream(self) -> str:
        """One stream per engine."""
        return f"engine/{self.engine}"


class VoiceInfo(Value):
    """A voice, as people choose it."""

    id: str
    name: str
    language: str = Field(description="BCP 47.")
    gender: str | None = None


class AudioProgressed(Event):
    """Part of a page has been spoken. Kept for one day; skip what you missed."""

    topic = "audio.progressed"
    producer = "synth"
    retention_ms = DAY_MS

    document_id: UUID
    audio_id: UUID
    page: PageNumber
    done: int = Field(ge=0, description="Utterances spoken.")
    total: int = Field(ge=0, description="Utterances on the page.")

    @property
    def stream(self) -> str:
        """One stream per audio."""
        return f"audio/{self.audio_id}"


class Rendition(Value):
    """The same audio in one format."""

    format: str = Field(description="m4a, mp3, opus or m4b.")
    object: ObjectRef = Field(description="Where the audio is stored.")


class AudioReady(Event):
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

    @property
    def stream(self) -> str:
        """One stream per audio."""
        return f"audio/{self.audio_id}"


class AudioFailed(Event):
    """A page could not be spoken; ``reason`` is a sentence for the one who asked."""

    topic = "audio.failed"
    producer = "synth"

    document_id: UUID
    audio_id: UUID
    page: PageNumber
    code: str
    reason: str

    @property
    def stream(self) -> str:
        """One stream per audio."""
        return f"audio/{self.audio_id}"


class AudiobookReady(Event):
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

    @property
    def stream(self) -> str:
        """One stream per audiobook."""
        return f"audiobook/{self.audiobook_id}"


class AudiobookFailed(Event):
    """An audiobook could not be made; ``reason`` is a sentence for the one who asked."""

    topic = "audiobook.failed"
    producer = "synth"

    document_id: UUID
    audiobook_id: UUID
    code: str
    reason: str

    @property
    def stream(self) -> str:
        """One stream per audiobook."""
        return f"audiobook/{self.audiobook_id}"


class NotificationSent(Event):
    """Somebody was told of an event over one channel."""

    topic = "notification.sent"
    producer = "notifier"

    notification_id: UUID = Field(description="Identity of the (event, channel) pair.")
    document_id: UUID | None = None
    about: UUID = Field(description="The event that was told.")
    about_type: str
    channel: Literal["mail", "webhook"]

    @property
    def key(self) -> str:
        """By document where there is one, else by notification."""
        return str(self.document_id or self.notification_id)

    @property
    def stream(self) -> str:
        """One stream per notification."""
        return f"notification/{self.notification_id}"


class NotificationFailed(Event):
    """Telling somebody of an event was given up."""

    topic = "notification.failed"
    producer = "notifier"

    notification_id: UUID
    document_id: UUID | None = None
    about: UUID
    about_type: str
    channel: Literal["mail", "webhook"]
    code: str
    reason: str

    @property
    def key(self) -> str:
        """By document where there is one, else by notification."""
        return str(self.document_id or self.notification_id)

    @property
    def stream(self) -> str:
        """One stream per notification."""
        return f"notification/{self.notification_id}"


class TaskFailed(Event):
    """A piece of work was given up, in whatever service. Nothing is silently missing."""

    topic = "task.failed"
    producer = "*"

    task_id: UUID
    service: str
    kind: str = Field(description="Job kind, or the topic of the message.")
    document_id: UUID | None = None
    code: str
    reason: str
    page: int | None = None
    attempts: int = Field(ge=1)
    fingerprint: str = Field(description="Failures of one cause share it.")

    @property
    def key(self) -> str:
        """By document where there is one, else by task."""
        return str(self.document_id or self.task_id)

    @property
    def stream(self) -> str:
        """One stream per task."""
        return f"task/{self.task_id}"


def every_event() -> tuple[type[Event], ...]:
    """All event classes, in the order of their declaration."""
    return tuple(Event.__subclasses__())


def event_by_topic() -> dict[str, type[Event]]:
    """Event classes by topic, which is also ``ce_type``."""
    return {each.topic: each for each in every_event()}
