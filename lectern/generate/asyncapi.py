"""The AsyncAPI 3.0 document of the topics, made from the event classes and their golden samples.

A channel is a topic, a message an event, an operation what one service does: ``send`` for the one
that publishes an event, ``receive`` for each that consumes it. Sources: AsyncAPI specification
3.0.0 and its Kafka bindings 0.5.0. Schemas are within what JSON Schema draft 7 has, which is what
AsyncAPI reads by default.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lectern.generate.schema_compat import wire_schema
from libs.common.contracts.base import Event
from libs.common.contracts.catalog import every_event
from libs.common.contracts.cloudevents import CONTENT_TYPE, SPEC_VERSION
from libs.common.contracts.identifiers import STREAM_PATTERN

Services = Mapping[str, Sequence[type[Event]]]
"""Event classes by the name of a service that publishes, or consumes, them."""

BINDING_VERSION = "0.5.0"
HEADERS = "CloudEventsHeaders"
UUID_TEXT = {"type": "string", "format": "uuid"}


@dataclass(frozen=True)
class Sample:
    """One message as it is on the wire: record key, record headers as text, value."""

    key: str
    headers: Mapping[str, str]
    value: Mapping[str, Any]

    @property
    def raw(self) -> bytes:
        """The value as bytes."""
        return json.dumps(self.value, separators=(",", ":"), ensure_ascii=False).encode()


Samples = Mapping[tuple[str, int], Sample]
"""Samples by topic and version."""


def read_samples(folder: Path) -> dict[tuple[str, int], Sample]:
    """Read the golden samples, ``<folder>/<topic>/v<version>.json``."""
    return {
        (path.parent.name, int(path.stem.removeprefix("v"))): Sample(**json.loads(path.read_text()))
        for path in sorted(folder.glob("*/v*.json"))
    }


def asyncapi(
    release: str, publishers: Services, consumers: Services, samples: Samples
) -> dict[str, Any]:
    """Return the document, ready to be written as YAML or JSON.

    ``release`` is the version of Lectern. An event without a sample gets no example.
    """
    return {
        "asyncapi": "3.0.0",
        "info": _info(release),
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {event.topic: _channel(event) for event in every_event()},
        "operations": dict(_operations(publishers, consumers)),
        "components": {
            "messages": {
                event.__name__: _message(event, samples.get((event.topic, event.version)))
                for event in every_event()
            },
            "schemas": _schemas(),
        },
    }


def key_of(event: type[Event]) -> str:
    """Return in words what an event is keyed by."""
    return ", else ".join(f"`{name}`" for name in event.keyed_by)


def _info(release: str) -> dict[str, Any]:
    return {
        "title": "Lectern events",
        "version": release,
        "description": (
            "Lectern turns documents into audio. Its services tell one another what happened "
            "through these topics, and anybody may follow along. audio.ready and audiobook.ready "
            "are the public contract; docs/events.md says what is promised. Nothing that people "
            "wrote is in an event: `details` and `text` refer to JSON objects in the storage of an "
            "installation, of which docs/events/details has the schemas. An operation is named "
            "after the service that performs it."
        ),
        "license": {
            "name": "Apache-2.0",
            "url": "https://www.apache.org/licenses/LICENSE-2.0",
        },
    }


def _servers() -> dict[str, Any]:
    bootstrap = {
        "default": "kafka:9092",
        "description": "Host and port of a broker; what services read from "
        "LECTERN_KAFKA_BOOTSTRAP_SERVERS.",
    }
    return {
        "cluster": {
            "host": "{bootstrap}",
            "protocol": "kafka",
            "description": "The Kafka cluster of an installation.",
            "variables": {"bootstrap": bootstrap},
        }
    }


def _channel(event: type[Event]) -> dict[str, Any]:
    kafka = {
        "topic": event.topic,
        "partitions": event.partitions,
        "topicConfiguration": {
            "cleanup.policy": ["delete"],
            "retention.ms": event.retention_ms,
        },
        "bindingVersion": BINDING_VERSION,
    }
    return {
        "address": event.topic,
        "description": f"{_summary(event)} Keyed by: {key_of(event)}.",
        "messages": {event.__name__: _ref("messages", event.__name__)},
        "tags": _tags("public" if event.public else "internal"),
        "bindings": {"kafka": kafka},
    }


def _operations(publishers: Services, consumers: Services) -> Iterable[tuple[str, dict[str, Any]]]:
    for service, events in publishers.items():
        for event in events:
            yield f"{service}Sends{event.__name__}", _operation("send", service, event)
    for service, events in consumers.items():
        group = {"groupId": {"type": "string", "const": service}}
        bindings = {"kafka": {**group, "bindingVersion": BINDING_VERSION}}
        for event in events:
            operation = _operation("receive", service, event)
            yield f"{service}Receives{event.__name__}", {**operation, "bindings": bindings}


def _operation(action: str, service: str, event: type[Event]) -> dict[str, Any]:
    channel = f"#/channels/{event.topic}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "title": f"{service} {action}s {event.topic}",
        "tags": _tags(service),
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"}],
    }


def _message(event: type[Event], sample: Sample | None) -> dict[str, Any]:
    typed = {"type": "object", "properties": {"ce_type": {"type": "string", "const": event.topic}}}
    key = UUID_TEXT if all(name.endswith("_id") for name in event.keyed_by) else {"type": "string"}
    message: dict[str, Any] = {
        "name": event.topic,
        "title": event.__name__,
        "summary": _summary(event),
        "contentType": CONTENT_TYPE,
        "headers": {"allOf": [_ref("schemas", HEADERS), typed]},
        "payload": _ref("schemas", event.__name__),
        "tags": _tags(f"version {event.version}"),
        "bindings": {
            "kafka": {
                "key": {**key, "description": f"Keyed by: {key_of(event)}."},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }
    if sample is not None:
        example = {"headers": dict(sample.headers), "payload": dict(sample.value)}
        message["examples"] = [{"name": f"v{event.version}", **example}]
    return message


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {HEADERS: _headers_schema()}
    parts: dict[str, Any] = {}
    for event in every_event():
        schema = wire_schema(event)
        schema.pop("$schema")
        parts |= schema.pop("$defs", {})
        schemas[event.__name__] = schema
    adapted: dict[str, Any] = _draft_7(schemas | parts)
    return adapted


def _headers_schema() -> dict[str, Any]:
    """CloudEvents 1.0 attributes in Kafka's binary content mode; header values are UTF-8 text."""
    text = {"type": "string"}
    properties = {
        "ce_specversion": {"type": "string", "const": SPEC_VERSION},
        "ce_id": {
            **UUID_TEXT,
            "description": "Identity of the event, UUID version 7: drop what you have seen.",
        },
        "ce_type": {**text, "description": "Kind of event; the name of its topic."},
        "ce_source": {
            **text,
            "pattern": "^/lectern/[a-z]+$",
            "description": "The service that published it.",
        },
        "ce_time": {**text, "format": "date-time", "description": "When it happened, UTC."},
        "ce_subject": {**text, "description": "What it is about; the same as the record key."},
        "ce_stream": {
            **text,
            "pattern": STREAM_PATTERN,
            "description": "The sequence of events that it is one of; may span several topics.",
        },
        "ce_streamversion": {
            **text,
            "pattern": "^[1-9][0-9]*$",
            "description": "Its place there: counted from 1 without gaps for each `ce_source`.",
        },
        "content-type": {"type": "string", "const": CONTENT_TYPE},
        "traceparent": {
            **text,
            "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            "description": "W3C trace context of what caused the event, if it was traced.",
        },
    }
    required = [name for name in properties if name != "traceparent"]
    return {"type": "object", "properties": properties, "required": required}


def _draft_7(schema: Any) -> Any:
    """Point references at the components; draft 7 ignores whatever stands beside a reference."""
    if isinstance(schema, list):
        return [_draft_7(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" not in schema:
        return {name: _draft_7(value) for name, value in schema.items()}
    reference = _ref("schemas", schema["$ref"].rpartition("/")[2])
    beside = {name: value for name, value in schema.items() if name != "$ref"}
    return {**beside, "allOf": [reference]} if beside else reference


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _tags(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def _summary(event: type[Event]) -> str:
    return (event.__doc__ or "").strip().partition("\n")[0].replace("``", "`")
