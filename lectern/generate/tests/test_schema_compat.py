import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from lectern.generate.promises import EVERY_DETAILS, every_promise
from lectern.generate.schema_compat import advice, incompatibilities, wire_schema
from libs.common.contracts.audio import AudioReady
from libs.common.contracts.base import Event
from libs.common.contracts.catalog import every_event
from libs.common.contracts.details import PageText
from libs.common.contracts.documents import DocumentSubmitted, PageExtracted

ROOT = Path(__file__).parents[3]

OLD = {
    "type": "object",
    "properties": {
        "version": {"type": "integer", "const": 1},
        "id": {"type": "string", "format": "uuid", "description": "Who."},
        "page": {"type": "integer", "minimum": 1},
        "name": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "format": {"type": "string", "enum": ["m4a", "mp3"]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "tree": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}], "default": None},
    },
    "required": ["version", "id", "page", "parts"],
    "$defs": {
        "Part": {
            "type": "object",
            "properties": {"key": {"type": "string", "pattern": "^a"}},
            "required": ["key"],
        },
        "Tree": {
            "type": "object",
            "properties": {
                "leaf": {"type": "integer"},
                "inner": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]},
            },
        },
    },
}


def changed(*steps):
    """OLD with changes: each is a path to a mapping, a name and its new value (None: gone)."""
    new: dict[str, Any] = copy.deepcopy(OLD)
    for path, name, value in steps:
        at: Any = new
        for step in path.split("."):
            at = at[step]
        if value is None:
            del at[name]
        else:
            at[name] = value
    return new


def test_the_same_is_compatible():
    assert incompatibilities(OLD, OLD) == []


@pytest.mark.parametrize(
    "new",
    [
        changed(("properties", "extra", {"type": "string", "default": ""})),
        changed(("$defs.Part.properties", "extra", {"type": "string", "default": ""})),
        changed(("properties.id", "description", "Whose."), ("properties.id", "title", "Id")),
        changed(("properties.page", "examples", [3]), ("properties.page", "deprecated", True)),
        changed(
            ("properties.name", "anyOf", [{"type": "null"}, {"type": "string"}]),
        ),
    ],
    ids=["field", "field of a part", "words", "examples", "order of alternatives"],
)
def test_what_may_change(new):
    assert incompatibilities(OLD, new) == []


def required(*names):
    return {**OLD, "required": [*names]}


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (changed(("properties", "name", None)), "name: removed"),
        (changed(("$defs.Part.properties", "key", None)), "parts[].key: removed"),
        (
            required("version", "id", "page", "parts", "extra"),
            "extra: added as required; give it a default",
        ),
        (required("version", "id", "page", "parts", "name"), "name: made required"),
        (required("version", "id", "parts"), "page: made optional"),
        (
            changed(("properties.page", "type", "number")),
            "page: type changed from integer to number",
        ),
        (
            changed(("properties.name", "anyOf", [{"type": "string"}])),
            "name: type changed from null or string to string",
        ),
        (
            changed(("properties", "page", {"anyOf": [{"type": "integer"}, {"type": "null"}]})),
            "page: type changed from integer to integer or null",
        ),
        (
            changed(("properties.id", "format", "date-time")),
            "id: format changed from 'uuid' to 'date-time'",
        ),
        (changed(("properties.id", "format", None)), "id: format changed from 'uuid' to None"),
        (changed(("properties.page", "minimum", 2)), "page: minimum changed from 1 to 2"),
        (changed(("properties.page", "minimum", 0)), "page: minimum changed from 1 to 0"),
        (changed(("properties.page", "maximum", 9)), "page: maximum changed from None to 9"),
        (
            changed(("$defs.Part.properties.key", "pattern", "^b")),
            "parts[].key: pattern changed from '^a' to '^b'",
        ),
        (changed(("properties.format", "enum", ["m4a"])), "format: member 'mp3' removed"),
        (
            changed(("properties.format", "enum", ["m4a", "mp3", "opus"])),
            "format: member 'opus' added",
        ),
        (changed(("properties.format", "enum", None)), "format: no longer an enumeration"),
        (changed(("properties.id", "enum", ["a"])), "id: narrowed to 'a'"),
        (changed(("properties.name", "default", "x")), "name: default changed from None to 'x'"),
        (
            changed(("properties.parts", "items", {"type": "string"})),
            "parts[]: type changed from object to string",
        ),
        (
            changed(("$defs.Tree.properties.leaf", "type", "string")),
            "tree.leaf: type changed from integer to string",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_needs_a_new_version(new, problem):
    assert incompatibilities(OLD, new) == [problem]


def test_another_version_is_another_schema():
    other = changed(("properties.version", "const", 2))
    assert incompatibilities(OLD, other) == ["version: member 1 removed", "version: member 2 added"]


def test_the_schema_is_that_of_the_value():
    schema = wire_schema(AudioReady)
    assert "event_id" not in schema["properties"]
    assert "occurred_at" not in schema["properties"]
    assert schema["properties"]["version"]["const"] == 1
    assert schema["required"][:2] == ["version", "document_id"]
    assert set(schema["required"]) == set(schema["properties"])
    assert "title" not in schema["properties"]["page"]
    assert "``" not in json.dumps(wire_schema(DocumentSubmitted))


def test_what_is_added_later_may_lack():
    class More(PageText):
        """With a field that older pages lack."""

        words: int = 0

    assert "words" not in wire_schema(More)["required"]
    assert "nonce" in wire_schema(More)["required"]  # made anew where it is not given


LATER = {"document.rejected": {"attempt"}, "narration.requested": {"page_count"}}
"""What version 1 of an event has only since some of it was written."""


@pytest.mark.parametrize("promise", every_promise(), ids=lambda promise: promise.name)
def test_what_is_always_written_has_no_default(promise):
    """In version 1 that is everything, but for what was added to it later: older ones lack that."""
    schema = wire_schema(promise.kind)
    for name, part in {"": schema, **schema.get("$defs", {})}.items():
        if "properties" in part:
            later = LATER.get(promise.name, set()) if not name else set()
            assert set(part["properties"]) - set(part.get("required", ())) == later, name


BOUNDS = {"minLength": "string", "maxLength": "string", "minItems": "array", "maxItems": "array"}


@pytest.mark.parametrize("promise", every_promise(), ids=lambda promise: promise.name)
def test_bounds_are_those_of_their_type(promise):
    """A bound of lists at a text says nothing; pydantic writes it where a check comes first."""
    for part in parts_of(wire_schema(promise.kind)):
        for bound in set(part) & set(BOUNDS):
            assert part["type"] == BOUNDS[bound], part


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.topic)
def test_numbers_in_events_are_exact_in_every_language(event):
    for part in parts_of(wire_schema(event)):
        if part.get("type") == "integer" and "const" not in part:
            assert part["maximum"] < 2**53, part


def parts_of(schema):
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from parts_of(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from parts_of(part)


def test_details_of_a_new_version_take_a_new_version_of_the_event():
    schema = wire_schema(PageExtracted)
    newer = copy.deepcopy(schema)
    newer["properties"]["text"]["x-details"] = "PageText.v2"
    assert schema["properties"]["text"]["x-details"] == "PageText.v1"
    assert incompatibilities(schema, newer) == [
        "text: x-details changed from 'PageText.v1' to 'PageText.v2'"
    ]


@pytest.mark.parametrize("kind", EVERY_DETAILS, ids=lambda kind: kind.__name__)
def test_the_schema_of_details_says_the_version_that_is_written(kind):
    schema = wire_schema(kind)
    assert next(iter(schema["properties"])) == "version"
    assert schema["properties"]["version"]["const"] == 1
    assert schema["required"][0] == "version"
    assert "nonce" in schema["properties"]


@pytest.mark.parametrize("promise", every_promise(), ids=lambda promise: promise.name)
def test_the_tree_is_compatible_with_what_was_committed(promise):
    for version in range(1, promise.version + 1):
        path = promise.schema_path(ROOT, version)
        assert path.exists(), f"{path} is missing: " + (
            "python -m lectern.generate" if version == promise.version else "bring it back"
        )
    problems = incompatibilities(json.loads(path.read_text()), wire_schema(promise.kind))
    assert not problems, advice(promise, problems)


@pytest.mark.parametrize("promise", every_promise(), ids=lambda promise: promise.name)
def test_samples_fit_the_schema_of_their_version(promise):
    for version in range(1, promise.version + 1):
        schema = json.loads(promise.schema_path(ROOT, version).read_text())
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        sample = json.loads(promise.sample_path(ROOT, version).read_text())
        validator.validate(sample["value"] if issubclass(promise.kind, Event) else sample)


def test_the_advice_says_what_to_do():
    by_name = {promise.name: promise for promise in every_promise()}
    text = advice(by_name["audio.ready"], ["page: removed"])
    assert "audio.ready v1 is not compatible" in text
    assert "\n  - page: removed\n" in text
    assert "AudioReady.version = 2" in text
    assert "AudioReady.upcasters[1]" in text
    assert "docs/events/golden/audio.ready/v2.json" in text
    assert "delete" not in text  # that would be a way around the promise
    text = advice(by_name["PageText"], ["markdown: removed"])
    assert "PageText.upcasters[1]" in text
    assert "docs/events/details/golden/PageText/v2.json" in text
