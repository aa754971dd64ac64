"""Writes every generated file, or checks that each is what it would write.

    python -m lectern.generate [--check | --freeze]

docs/asyncapi.yaml, docs/problems.md, the schemas below docs/events, .env.example,
deploy/kafka/acls.sh, deploy/s3, and the blocks between markers in docs/architecture.md and
docs/events.md. A schema is not overwritten by one that is incompatible with it, or with what was
frozen (:mod:`.frozen`). For development: needs PyYAML, which is not among what Lectern runs with.
"""

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from lectern.generate.asyncapi import Services, asyncapi, read_samples
from lectern.generate.env_example import env_example
from lectern.generate.flow_map import event_table, flowchart, service_table
from lectern.generate.frozen import broken_promises, freeze, unfrozen
from lectern.generate.kafka_acls import acl_script
from lectern.generate.promises import DETAILS, EVENTS, every_promise
from lectern.generate.s3_policies import s3_policies
from lectern.generate.schema_compat import advice, incompatibilities, resolved, wire_schema
from lectern.service_catalog import SERVICES, consumers
from libs.common.contracts import permissions
from libs.common.contracts.base import LARGEST_EXACT, Event
from libs.common.contracts.catalog import every_event
from libs.common.observability import metrics
from libs.common.settings import CommonSettings
from services.gateway.http.problem_details.problems_page import problems_markdown

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = "docs/events/golden"
REFRESH = "python -m lectern.generate"
BLOCK = re.compile(
    r"(<!-- begin generated: (?P<name>[^ ]+) -->\n).*?(<!-- end generated -->)", re.DOTALL
)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write or check, and return the exit code: 1 if something is stale or incompatible."""
    parser = argparse.ArgumentParser(prog=REFRESH, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    parser.add_argument("--freeze", action="store_true", help="write, and freeze what is new")
    options = parser.parse_args(arguments)
    broken = broken_contract(root) + broken_promises(root)
    if broken := broken + (unfrozen(root) if options.check else []):
        sys.stderr.write("\n".join(broken) + "\n")
        return 1
    stale = _write_or_tell(root, check=options.check)
    if stale and options.check:
        sys.stderr.write(f"refresh with: {REFRESH}\n")
    for name in freeze(root) if options.freeze else ():
        print(f"frozen: {name}")
    return int(stale and options.check)


def _write_or_tell(root: Path, *, check: bool) -> bool:
    """Write what is stale, or only tell of it; return whether anything is."""
    stale = {path: text for path, text in rendered(root).items() if _read(path) != text}
    for path, text in stale.items():
        name = path.relative_to(root)
        if check:
            sys.stderr.write(f"stale: {name}\n")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"written: {name}")
    return bool(stale)


def rendered(root: Path = ROOT) -> dict[Path, str]:
    """Return every generated file with what should be in it.

    Raises:
        ValueError: A document lacks the markers of a block, or has some that nobody fills.
    """
    sends, receives = publishers(), consumers()
    release = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    contract = asyncapi(release, sends, receives, read_samples(root / SAMPLES))
    files = {
        root / "docs/asyncapi.yaml": _yaml(contract),
        root / "docs/problems.md": problems_markdown(),
        root / "deploy/kafka/acls.sh": acl_script(sends, receives),
        root / ".env.example": env_example(CommonSettings, *(spec.settings for spec in SERVICES)),
    }
    files |= {root / f"deploy/s3/{name}.json": policy for name, policy in s3_policies()}
    for promise in every_promise():
        files[promise.schema_path(root)] = _json(wire_schema(promise.kind))
    for name, blocks in (
        ("docs/architecture.md", _architecture_blocks(sends, receives)),
        ("docs/events.md", _events_blocks(sends, receives)),
    ):
        files[root / name] = filled(_read(root / name), blocks)
    return files


def publishers() -> Services:
    """Which service publishes what."""
    return {spec.name: import_module(f"services.{spec.name}.app").PUBLISHES for spec in SERVICES}


def broken_contract(root: Path = ROOT) -> list[str]:
    """Return what would break readers: how classes differ from the committed schemas."""
    broken, known = [], {}
    for promise in every_promise():
        known[promise.folder, promise.name] = promise.version
        path = promise.schema_path(root)
        if path.exists():
            problems = incompatibilities(json.loads(path.read_text()), wire_schema(promise.kind))
            broken += [advice(promise, problems)] if problems else []
    for folder in (EVENTS, DETAILS):
        for path in sorted((root / folder / "schemas").glob("*.json")):
            name, _, version = path.stem.rpartition(".v")
            if int(version) > known.get((folder, name), 0):
                broken.append(f"{path.relative_to(root)} is of no event: bring back the class")
    return broken


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """Return ``text`` with the generated blocks between their markers.

    Raises:
        ValueError: The markers in ``text`` are not those of ``blocks``.
    """
    marked = [marker["name"] for marker in BLOCK.finditer(text)]
    if sorted(marked) != sorted(blocks):
        raise ValueError(f"the text has markers for {marked}, there are blocks {list(blocks)}")
    return BLOCK.sub(lambda found: f"{found[1]}\n{blocks[found['name']]}\n{found[3]}", text)


def field_table(event: type[Event]) -> str:
    """Return the table of all fields of an event, those of its parts included."""
    schema = wire_schema(event)
    rows = [
        f"| `{path}` | {kind} | {'always' if required else 'may lack'} | {meaning} |"
        for path, kind, required, meaning in _fields("", schema, schema.get("$defs", {}))
    ]
    return "\n".join(["| field | type | there | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _fields(
    prefix: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]
) -> Iterator[tuple[str, str, bool, str]]:
    for name, field in schema["properties"].items():
        meaning = field.get("description", "")
        whole = resolved(field, definitions)
        path, inner = f"{prefix}{name}", whole
        if "items" in whole:
            path, inner = f"{path}[]", resolved(whole["items"], definitions)
        yield path, _kind(whole, definitions), name in schema.get("required", ()), meaning
        if "properties" in inner:
            yield from _fields(f"{path}.", inner, definitions)


def _kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return the type of a field in words, with its limits."""
    if "anyOf" in schema:
        return " or ".join(
            _kind(resolved(branch, definitions), definitions) for branch in schema["anyOf"]
        )
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(member)}`" for member in schema["enum"])
    if schema["type"] == "array":
        least = f", at least {schema['minItems']}" if "minItems" in schema else ""
        return f"array{least}"
    limits = [
        f"{sign} {_plain(schema[name])}"
        for name, sign in _LIMITS.items()
        if name in schema and schema[name] != LARGEST_EXACT  # the page says that of all numbers
    ]
    return ", ".join([schema.get("format", schema["type"]), *limits])


def _plain(limit: float) -> str:
    return f"{int(limit):,}" if limit == int(limit) else f"{limit:,}"


_LIMITS = {"minimum": "≥", "maximum": "≤"}


def _architecture_blocks(sends: Services, receives: Services) -> dict[str, str]:
    return {
        "flow-map": f"```mermaid\n{flowchart(sends, receives)}```\n",
        "services": service_table(sends, receives),
        "permissions": permissions.render_markdown(),
        "metrics": metrics.render_docs(),
    }


def _events_blocks(sends: Services, receives: Services) -> dict[str, str]:
    public = {event.topic: field_table(event) for event in every_event() if event.public}
    return {"events": event_table(sends, receives), **public}


class _WithoutAliases(yaml.SafeDumper):
    """Writes what occurs twice out twice: anchors are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _yaml(document: Mapping[str, Any]) -> str:
    text: str = yaml.dump(
        document, Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=100
    )
    return f"# Generated by {REFRESH} from libs/common/contracts.\n{text}"


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
