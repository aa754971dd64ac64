"""Events on the wire: CloudEvents 1.0 in Kafka's binary content mode.

Attributes travel as headers (``ce_id``, ``ce_type``, ...), the JSON of the event as the value and
its key as the record key. Source: CloudEvents Kafka protocol binding 1.0.2, sections 3.1 and 3.2.

Two extension attributes say where an event stands: ``stream`` and ``streamversion``, which counts
the events of that stream at that source from 1, without gaps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from libs.common.contracts.base import Event
from libs.common.contracts.catalog import event_by_topic
from libs.common.errors import Malformed

CONTENT_TYPE = "application/json; charset=utf-8"
SPEC_VERSION = "1.0"

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The attributes of one message, read without touching its value."""

    event_id: UUID
    type: str
    source: str
    time: datetime
    subject: str | None
    stream: str | None
    traceparent: str | None


def headers(
    *,
    event_id: str,
    topic: str,
    source: str,
    occurred_at: str,
    key: str,
    stream: str,
    version: int,
    traceparent: str | None,
) -> Headers:
    """Return the record headers of one event, as stored in the event store."""
    pairs = [
        ("ce_specversion", SPEC_VERSION),
        ("ce_id", event_id),
        ("ce_type", topic),
        ("ce_source", source),
        ("ce_time", occurred_at),
        ("ce_subject", key),
        ("ce_stream", stream),
        ("ce_streamversion", str(version)),
        ("content-type", CONTENT_TYPE),
    ]
    if traceparent:
        pairs.append(("traceparent", traceparent))
    return [(name, value.encode()) for name, value in pairs]


def rfc3339(moment: datetime) -> str:
    """Return ``moment`` as ``ce_time`` wants it: UTC, microseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_envelope(raw: Mapping[str, str]) -> Envelope:
    """Read the attributes of a message from its headers, as text.

    Raises:
        Malformed: A required attribute is missing or unreadable.
    """
    kind = raw.get("ce_type", "")
    try:
        if raw["ce_specversion"] != SPEC_VERSION:
            raise Malformed(kind or "event", f"CloudEvents {raw['ce_specversion']} is not known")
        moment = datetime.fromisoformat(raw["ce_time"])
        if moment.tzinfo is None:
            raise ValueError("a time without a zone is no moment")
        moment = moment.astimezone(UTC)  # OverflowError: in the first or last hours of all years
        return Envelope(
            event_id=UUID(raw["ce_id"]),
            type=raw["ce_type"],
            source=raw["ce_source"],
            time=moment,
            subject=raw.get("ce_subject"),
            stream=raw.get("ce_stream"),
            traceparent=raw.get("traceparent"),
        )
    except KeyError as error:
        raise Malformed(kind or "event", f"header {error.args[0]} is missing") from error
    except (ValueError, OverflowError) as error:
        raise Malformed(kind or "event", "a ce_ header is unreadable") from error


def decode(envelope: Envelope, value: bytes) -> Event:
    """Return the event that a message carries.

    Raises:
        Malformed: The type is unknown, or the value does not fit it.
        UnknownVersion: The value is newer than this code.
    """
    event = event_by_topic().get(envelope.type)
    if event is None:
        raise Malformed(envelope.type, "no such event type")
    return event.decode(value, event_id=envelope.event_id, occurred_at=envelope.time)


def text_headers(raw: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    """Return record headers as text; a header without a readable value is left out."""
    return {
        name: value.decode("utf-8", "replace") for name, value in raw if isinstance(value, bytes)
    }
