"""What an event looks like on the wire as JSON Schema, and which changes of it break a reader.

Topics keep their messages for ever, so within one version both directions count: this code reads
the oldest message, and a stranger with the oldest schema reads the newest message. Readers ignore
fields that they do not know. Within one version

* may be added: an optional field
* may change: what is written for people, as descriptions and titles
* everything else is a new version with an upcaster: a field removed, added as required, made
  required or optional; a type, format, limit, pattern or default changed; a member of an
  enumeration added or removed, for a service that is older would take it for a damaged message
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from lectern.generate.promises import Promise
from libs.common.contracts.base import Event
from libs.common.contracts.details import Details

Schema = Mapping[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ATTRIBUTES = frozenset({"event_id", "occurred_at"})
"""Fields that travel as CloudEvents headers, not in the value."""
BESIDE = ATTRIBUTES | {"version"}
"""Fields of which the schema of the class does not tell what is written."""

FOR_PEOPLE = frozenset({"$schema", "$defs", "title", "description", "examples", "deprecated"})
WALKED = frozenset({"properties", "required", "items", "anyOf", "enum", "const", "type"})


class _Plain(GenerateJsonSchema):
    """Without a title on every field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def wire_schema(kind: type[Event] | type[Details]) -> dict[str, Any]:
    """Return the schema of the value of an event, or of details, at its current version.

    A field with a default is not required, for messages from before it was added lack it. One that
    is made anew where it is not given is always written.
    """
    made = kind.model_json_schema(schema_generator=_Plain)
    fields = {name: field for name, field in made["properties"].items() if name not in BESIDE}
    required = [
        name
        for name in fields
        if name in made.get("required", ()) or kind.model_fields[name].default_factory is not None
    ]
    version = {
        "type": "integer",
        "const": kind.version,
        "description": "Version of this schema.",
    }
    schema = {
        "$schema": DIALECT,
        "title": kind.__name__,
        "description": made.get("description", ""),
        "type": "object",
        "properties": {"version": version, **fields},
        "required": ["version", *required],
    }
    if "$defs" in made:
        schema["$defs"] = made["$defs"]
    plain: dict[str, Any] = _without_rst(schema)
    return plain


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """Return what in ``new`` breaks a reader of ``old``, or ``old`` messages for a reader of it."""
    return list(_Comparison(old, new).schemas("", old, new))


def advice(promise: Promise, problems: Sequence[str]) -> str:
    """Return what to do about a class that no longer fits the committed schema of its version."""
    name, version = promise.kind.__name__, promise.version
    listed = "".join(f"\n  - {problem}" for problem in problems)
    return (
        f"{promise.name} v{version} is not compatible with its committed schema:{listed}\n"
        f"Undo that, or set {name}.version = {version + 1}, add {name}.upcasters[{version}] and "
        f"{promise.folder}/golden/{promise.name}/v{version + 1}.json, then generate and freeze."
    )


class _Comparison:
    """Walks two schemas side by side; paths read like ``renditions[].object.size``."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old_defs: Schema = old.get("$defs", {})
        self._new_defs: Schema = new.get("$defs", {})
        self._inside: list[str] = []

    def schemas(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        """Yield the problems at and below ``path``."""
        old_branches = _branches(old, self._old_defs)
        new_branches = _branches(new, self._new_defs)
        before = " or ".join(_kind(resolved(branch, self._old_defs)) for branch in old_branches)
        after = " or ".join(_kind(resolved(branch, self._new_defs)) for branch in new_branches)
        if before != after:
            yield f"{path}: type changed from {before} to {after}"
            return
        yield from _default(path, old, new)
        for one, other in zip(old_branches, new_branches, strict=True):
            yield from self._branch(path, one, other)

    def _branch(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        name = str(old.get("$ref", ""))
        if name and name in self._inside:  # a tree of values: compared further up
            return
        self._inside.append(name)
        yield from self._alike(path, resolved(old, self._old_defs), resolved(new, self._new_defs))
        self._inside.pop()

    def _alike(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        yield from _keywords(path, old, new)
        yield from _members(path, old, new)
        yield from self._fields(path, old, new)
        if "items" in old or "items" in new:
            yield from self.schemas(f"{path}[]", old.get("items", {}), new.get("items", {}))

    def _fields(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        had_to, has_to = set(old.get("required", ())), set(new.get("required", ()))
        for name, field in before.items():
            where = f"{path}.{name}".lstrip(".")
            if name not in after:
                yield f"{where}: removed"
                continue
            if (name in had_to) != (name in has_to):
                yield f"{where}: made {'required' if name in has_to else 'optional'}"
            yield from self.schemas(where, field, after[name])
        for name in sorted(has_to - set(before)):
            yield f"{path}.{name}".lstrip(".") + ": added as required; give it a default"


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """Return a schema with its reference, if it is one, replaced by what that names."""
    if "$ref" not in schema:
        return schema
    target: Schema = definitions[schema["$ref"].rpartition("/")[2]]
    return {**target, **{name: value for name, value in schema.items() if name != "$ref"}}


def _branches(schema: Schema, definitions: Schema) -> list[Schema]:
    """The alternatives of a schema, in the order of their types."""
    return sorted(
        schema.get("anyOf", (schema,)), key=lambda branch: _kind(resolved(branch, definitions))
    )


def _kind(schema: Schema) -> str:
    return str(schema.get("type", "anything"))


def _default(path: str, old: Schema, new: Schema) -> Iterator[str]:
    """A message without the field would come to mean something else."""
    if "default" in old and "default" in new and old["default"] != new["default"]:
        yield f"{path}: default changed from {old['default']!r} to {new['default']!r}"


def _keywords(path: str, old: Schema, new: Schema) -> Iterator[str]:
    skipped = FOR_PEOPLE | WALKED | {"default"}
    for name in sorted((set(old) | set(new)) - skipped):
        if old.get(name) != new.get(name):
            yield f"{path}: {name} changed from {old.get(name)!r} to {new.get(name)!r}"


def _members(path: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = _enumerated(old), _enumerated(new)
    if before is None and after is not None:
        yield f"{path}: narrowed to {', '.join(map(repr, after))}"
    elif before is not None and after is None:
        yield f"{path}: no longer an enumeration"
    else:
        for member in before or ():
            if member not in (after or ()):
                yield f"{path}: member {member!r} removed"
        for member in after or ():
            if member not in (before or ()):
                yield f"{path}: member {member!r} added"


def _enumerated(schema: Schema) -> Sequence[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    members: Sequence[Any] | None = schema.get("enum")
    return members


def _without_rst(schema: Any) -> Any:
    """Docstrings mark code with two backticks, Markdown with one."""
    if isinstance(schema, dict):
        return {
            name: value.replace("``", "`")
            if name == "description" and isinstance(value, str)
            else _without_rst(value)
            for name, value in schema.items()
        }
    return [_without_rst(item) for item in schema] if isinstance(schema, list) else schema
