"""What was released stays as it was: schemas and golden samples, frozen with their digests.

``docs/events/frozen/<name>.v<version>.json`` holds the first schema of a version and its golden
sample. It is written once and never again; ``docs/events/digests.json`` has its SHA-256. Schemas
and samples beside it may grow as :mod:`.schema_compat` allows, and are held against the frozen
ones: so deleting a schema and generating it anew does not change what was promised.

What is merged counts as released, so every version has to be frozen (``--freeze``).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lectern.generate.promises import Promise, every_promise
from lectern.generate.schema_compat import incompatibilities, wire_schema

INDEX = "docs/events/digests.json"
FOLDER = "docs/events/frozen"
FREEZE = "python -m lectern.generate --freeze"


def broken_promises(root: Path) -> list[str]:
    """Return what differs from what was frozen, in sentences that say what to do."""
    index = read_index(root)
    broken = [*_damaged(root, index), *_of_nothing(index)]
    if not broken:
        for promise in every_promise():
            for version in _versions(promise):
                if _name(promise, version) in index:
                    broken += _departures(root, promise, version)
    return broken


def unfrozen(root: Path) -> list[str]:
    """Return which versions are not frozen yet, in sentences."""
    index = read_index(root)
    return [
        f"{promise.name} v{version} is not frozen: {FREEZE}"
        for promise in every_promise()
        for version in _versions(promise)
        if _name(promise, version) not in index
    ]


def freeze(root: Path) -> list[str]:
    """Freeze the current versions that are not frozen yet; return their names.

    Raises:
        FileNotFoundError: One lacks its schema or its golden sample.
    """
    index = dict(read_index(root))
    added = []
    for promise in every_promise():
        name = _name(promise, promise.version)
        if name not in index:
            kept = {
                "schema": _read(promise.schema_path(root)),
                "sample": _read(promise.sample_path(root)),
            }
            path = root / FOLDER / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_json(kept), encoding="utf-8")
            index[name] = _digest(path)
            added.append(name)
    if added:
        (root / INDEX).write_text(_json(dict(sorted(index.items()))), encoding="utf-8")
    return added


def read_index(root: Path) -> Mapping[str, str]:
    """Return the digests of what is frozen, by name."""
    path = root / INDEX
    index: Mapping[str, str] = _read(path) if path.exists() else {}
    return index


def _damaged(root: Path, index: Mapping[str, str]) -> Iterator[str]:
    for name, digest in index.items():
        path = root / FOLDER / f"{name}.json"
        if not path.exists():
            yield f"{FOLDER}/{name}.json was removed: bring it back"
        elif _digest(path) != digest:
            yield f"{FOLDER}/{name}.json was changed: bring it back as it was"
    for path in sorted((root / FOLDER).glob("*.json")):
        if path.stem not in index:
            yield f"{FOLDER}/{path.name} is not in {INDEX}: bring its digest back"


def _of_nothing(index: Mapping[str, str]) -> Iterator[str]:
    known = {
        _name(promise, version) for promise in every_promise() for version in _versions(promise)
    }
    for name in index:
        if name not in known:
            yield f"{name} was released and has no class any more: bring it back"


def _departures(root: Path, promise: Promise, version: int) -> Iterator[str]:
    """How the class, the schema and the sample of a version depart from what was frozen."""
    what = f"{promise.name} v{version}"
    kept = _read(root / FOLDER / f"{_name(promise, version)}.json")
    schema_path, sample_path = (
        promise.schema_path(root, version),
        promise.sample_path(root, version),
    )
    if version == promise.version:
        for problem in incompatibilities(kept["schema"], wire_schema(promise.kind)):
            yield f"{what} was released: {problem} in its class; that takes a new version"
    if not schema_path.exists():
        if version != promise.version:  # the current one is generated
            yield f"{schema_path.relative_to(root)} is missing: bring it back"
    else:
        for problem in incompatibilities(kept["schema"], _read(schema_path)):
            yield f"{schema_path.relative_to(root)} was released: {problem}"
    if not sample_path.exists():
        yield f"{sample_path.relative_to(root)} is missing: bring it back"
    elif not _is_part_of(kept["sample"], _read(sample_path)):
        yield f"{sample_path.relative_to(root)} was released: it may be added to, not changed"


def _is_part_of(old: Any, new: Any) -> bool:
    """Whether ``new`` says all that ``old`` says."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and _is_part_of(old[name], new[name]) for name in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_is_part_of, old, new))
    return bool(old == new)


def _versions(promise: Promise) -> range:
    return range(1, promise.version + 1)


def _name(promise: Promise, version: int) -> str:
    return f"{promise.name}.v{version}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
