"""No sentence fits in any event: events are kept for ever, and what people wrote is to go.

The schema of each event is walked, and each of its texts has to have bounds in which no sentence
fits. Then it is tried: each event is built with a sentence in each of its texts, one at a time.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError, create_model

from libs.common.contracts.audio import VoiceInfo
from libs.common.contracts.base import Event, ObjectRef, Value
from libs.common.contracts.catalog import every_event

SENTENCE = "A title, by its author (2026)."
BOUNDED_FORMATS = ("uuid", "date-time")
EXCEPTIONS = {"voices.announced": {("voices", 0, "name")}}
"""What the maker of a voice calls it, :attr:`VoiceInfo.name`: of a product, and not of a person."""

FITTING = ("0" * 64, "0" * 16, "en", "text/plain", "document/1")
Path = tuple[str | int, ...]
Schema = dict[str, Any]


def schema_of(event: type[BaseModel]) -> Schema:
    return event.model_json_schema(mode="validation")


def resolved(schema: Schema, root: Schema) -> Schema:
    """Return a schema without its reference, and the first of its alternatives that is not null."""
    if "$ref" in schema:
        return resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    alternatives = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if alternatives:
        assert len(alternatives) == 1, "a choice that this test cannot walk"
        return resolved(alternatives[0], root)
    return schema


def texts(schema: Schema, root: Schema, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Yield the texts of a schema, each by its path and with its bounds."""
    schema = resolved(schema, root)
    match schema.get("type"):
        case "string":
            yield path, schema
        case "object":
            assert not schema.get("additionalProperties"), "names that anybody may choose"
            for name, part in schema["properties"].items():
                yield from texts(part, root, (*path, name))
        case "array":
            assert "prefixItems" not in schema, "a tuple that this test cannot walk"
            yield from texts(schema["items"], root, (*path, 0))
        case "integer" | "number" | "boolean":
            pass
        case other:
            raise AssertionError(f"{path} may be {other or 'anything'}")


def is_bounded(schema: Schema) -> bool:
    """Tell whether a text has bounds, and no sentence fits in them."""
    if "const" in schema or "enum" in schema:
        return True
    if "pattern" in schema:
        return re.search(schema["pattern"], SENTENCE) is None
    return schema.get("format") in BOUNDED_FORMATS


def example(schema: Schema, root: Schema) -> Any:
    """Return a value that fits a schema, with everything in it that there can be."""
    schema = resolved(schema, root)
    match schema["type"]:
        case "object":
            return {name: example(part, root) for name, part in schema["properties"].items()}
        case "array":
            return [example(schema["items"], root)]
        case "string":
            return text_that_fits(schema)
        case "boolean":
            return True
        case _:
            return schema.get("minimum", 1)


def text_that_fits(schema: Schema) -> str:
    if "enum" in schema or "const" in schema:
        return str(schema.get("const", schema.get("enum", [None])[0]))
    if "format" in schema:
        return {"uuid": str(UUID(int=1)), "date-time": "2026-11-20T09:30:00Z"}[schema["format"]]
    return next(text for text in FITTING if re.search(schema.get("pattern", ""), text))


def with_sentence(value: Any, path: Path) -> Any:
    """Return ``value`` with the sentence at ``path``."""
    if not path:
        return SENTENCE
    step, *rest = path
    changed = value.copy()
    changed[step] = with_sentence(value[step], tuple(rest))
    return changed


def refused(event: type[Event], value: Any) -> set[Path]:
    """Return what is wrong with a value, by its path; nothing if an event can be built of it."""
    try:
        built = event.model_validate(value)
    except ValidationError as error:
        return {fault["loc"] for fault in error.errors()}
    assert SENTENCE.encode() in built.encode()
    return set()


@pytest.fixture(params=every_event(), ids=lambda event: event.topic)
def event(request) -> type[Event]:
    found: type[Event] = request.param
    return found


def test_the_schema_bounds_every_text(event: type[Event]):
    root = schema_of(event)
    loose = {path for path, schema in texts(root, root) if not is_bounded(schema)}
    assert loose == EXCEPTIONS.get(event.topic, set())


def test_an_event_with_a_sentence_in_any_of_its_texts_is_refused(event: type[Event]):
    root = schema_of(event)
    fitting = example(root, root)
    event.model_validate(fitting)
    taken = set()
    for path, _ in texts(root, root):
        found = refused(event, with_sentence(fitting, path))
        if found:
            assert path in found
        else:
            taken.add(path)
    assert taken == EXCEPTIONS.get(event.topic, set())


def test_the_walk_sees_the_texts_of_parts():
    """Else this module would prove nothing."""
    root = schema_of(VoiceInfo)
    assert {path for path, _ in texts(root, root)} == {
        ("id",),
        ("name",),
        ("language",),
        ("gender",),
    }
    assert [path for path, schema in texts(root, root) if not is_bounded(schema)] == [("name",)]
    root = schema_of(ObjectRef)
    assert [path for path, _ in texts(root, root)] == [("key",), ("sha256",), ("media_type",)]


def test_a_text_without_bounds_would_be_noticed():
    class Part(Value):
        note: str | None = None

    class Whole(Value):
        parts: tuple[Part, ...]

    root = schema_of(Whole)
    [(path, schema)] = texts(root, root)
    assert (path, is_bounded(schema)) == (("parts", 0, "note"), False)


@pytest.mark.parametrize("kind", [dict[str, str], Any, tuple[str, int]])
def test_what_cannot_be_walked_is_no_part_of_an_event(kind):
    root = schema_of(create_model("Loose", anything=(kind, ...)))
    with pytest.raises(AssertionError):
        list(texts(root, root))
