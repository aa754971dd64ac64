"""What every event is: a frozen fact with a topic, a schema, a key, a stream and a version.

To add a field to an event, give it a default. To change a meaning, or to add a member to an
enumeration, raise ``version`` and add an upcaster. ``libs.common.contracts.cloudevents`` puts
events on the wire; ``docs/events.md`` is what strangers read.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from libs.common.contracts.identifiers import MediaType, ObjectKey, uuid7
from libs.common.errors import Malformed, UnknownVersion

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

DAY_MS = 24 * 60 * 60 * 1000
FOREVER = -1

MAX_PAGES = 1_000_000
"""More than any document is read to, so that pages in an event can be counted out."""

PageNumber = Annotated[
    int, Field(ge=1, le=MAX_PAGES, description="Page of the document, from 1, no gaps.")
]
PageCount = Annotated[int, Field(ge=1, le=MAX_PAGES)]
LARGEST_EXACT = 2**53 - 1
"""As large as a number of JSON may be and is exact in every language (RFC 8259, section 6)."""
Count = Annotated[int, Field(ge=0, le=LARGEST_EXACT)]
DELETED_BY = "Who deleted it; null: the installation, as at the end of a lifetime."
REVISION = "Of the page's text: 0 as it was read, 1 more with each edit."


class Value(BaseModel):
    """A part of an event: frozen, compared by value, tolerant of fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ObjectRef(Value):
    """Where an object is stored and what it must be; payloads carry this, never the bytes."""

    key: ObjectKey
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of its bytes, hex.")
    size: Count = Field(description="Bytes.")
    media_type: MediaType


class Versioned(Value):
    """What is written once and read for ever: JSON that says which version of its schema it has.

    A field that is always written has no default. One that is added later has: what was written
    before lacks it.
    """

    version: ClassVar[int] = 1
    upcasters: ClassVar[dict[int, Upcaster]] = {}
    """By version: what makes the fields of the next version of its fields."""

    def encode(self) -> bytes:
        """Return the JSON, with the ``version`` that reading it needs."""
        fields = self.model_dump_json().removeprefix("{")
        return f'{{"version":{self.version},{fields}'.encode()

    @classmethod
    def upcast(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of what was written, without its version, as this version has them.

        Raises:
            UnknownVersion: It is newer than this code.
            Malformed: There is no such version.
        """
        found = body.get("version", 1)
        if type(found) is not int:  # a bool is an int, too
            raise Malformed(cls.__name__, "its version is no whole number")
        if found < 1:
            raise Malformed(cls.__name__, f"no version is {found}")
        if found > cls.version:
            raise UnknownVersion(cls.__name__, found, cls.version)
        lifted = {name: value for name, value in body.items() if name != "version"}
        for old in range(found, cls.version):
            lifted = cls.upcasters[old](lifted)
        return lifted

    @classmethod
    def read(cls, raw: bytes, **attributes: object) -> Self:
        """Read JSON of any released version; ``attributes`` are fields that are not in it.

        Raises:
            UnknownVersion: ``raw`` is newer than this code.
            Malformed: ``raw`` does not fit the schema.
        """
        try:
            body = cls.upcast(from_json(raw))
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise Malformed(cls.__name__, "the value is not a JSON object") from error
        try:
            return cls.model_validate({**body, **attributes})
        except ValidationError as error:
            where = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
            # Not from the error, which quotes what was read.
            raise Malformed(cls.__name__, f"check {where}") from None


class Event(Versioned):
    """A fact, named in the past tense.

    ``event_id`` and ``occurred_at`` travel as CloudEvents attributes (``ce_id``, ``ce_time``), the
    remaining fields as the JSON value. ``topic`` doubles as ``ce_type``. No field holds anything
    that was written by people: events are kept for ever, see :mod:`.identifiers`.
    """

    topic: ClassVar[str]
    producer: ClassVar[str]
    public: ClassVar[bool] = False
    partitions: ClassVar[int] = 12
    retention_ms: ClassVar[int] = FOREVER
    keyed_by: ClassVar[tuple[str, ...]]
    """Fields, of which the first that is set names the aggregate: the Kafka key."""
    stream_name: ClassVar[str]
    """The stream of the event store, with fields in braces."""

    event_id: UUID = Field(default_factory=uuid7, exclude=True)
    occurred_at: datetime = Field(default_factory=lambda: datetime.now(UTC), exclude=True)

    @property
    def key(self) -> str:
        """The aggregate this is about: Kafka key and ``ce_subject``; order holds per key."""
        values = map(vars(self).get, self.keyed_by)
        return str(next(value for value in values if value is not None))

    @property
    def stream(self) -> str:
        """The stream of the event store that guards this fact."""
        return self.stream_of(**vars(self))

    @classmethod
    def stream_of(cls, **fields: object) -> str:
        """Return the stream that events of this class with such ``fields`` are in.

        Raises:
            TypeError: A field that names the stream is missing.
        """
        try:
            return cls.stream_name.format_map(fields)
        except KeyError as error:
            raise TypeError(
                f"streams of {cls.__name__} are named {cls.stream_name}: {error.args[0]} is missing"
            ) from error

    @classmethod
    def decode(cls, raw: bytes, *, event_id: UUID, occurred_at: datetime) -> Self:
        """Read a value of any released version, as :meth:`read` does."""
        return cls.read(raw, event_id=event_id, occurred_at=occurred_at)


class DocumentEvent(Event):
    """About a document, or about something made of it: order holds per document."""

    keyed_by = ("document_id",)
    stream_name = "document/{document_id}"

    document_id: UUID = Field(description="The document; also the record's key.")
    owner_id: UUID = Field(description="Whose document it is.")
