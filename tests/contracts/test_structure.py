"""How the house is cut: folders, names of files, names of classes; see docs/architecture.md."""

import ast
import subprocess
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_MODULES = 15
PREFIX_BECOMES_A_FOLDER = 3

ROLES = {
    "__init__": "what a folder is for",
    "__main__": "what python -m runs",
    "app": "the composition root of a service",
    "conftest": "fixtures",
    "settings": "what can be configured",
    "handlers": "event in, effects out",
    "jobs": "long work, declared; in libs, the leased rows it is kept in",
    "tables": "tables of the database",
    "details": "what events refer to instead of saying it",
    "errors": "what can go wrong, and what the errors of others mean to us",
    # a feature of the gateway
    "feature": "what a feature registers",
    "rows": "typed rows of the tables, built in one place",
    "selects": "typed rows, read from the tables",
    "projection": "events in, rows out",
    "commands": "what people can do",
    "queries": "what people can read",
    "views": "what people see",
    "routes": "where requests, or events, go",
    "decide": "rows in, events out: what is to happen",
    "reactions": "what follows from an event",
    # a port and its adapters
    "port": "the protocol that adapters keep",
    "build": "chooses the adapter behind a port",
    # an engine
    "engine": "the adapter of a speech engine",
    "config": "what an engine is built from",
    # a format
    "reader": "the parser of one format",
}
"""File names that several folders share, for they mean the same thing in each."""


def modules() -> list[PurePosixPath]:
    """The committed modules that are not tests or migrations."""
    listing = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listing.returncode:
        pytest.skip("this is no clone: which files are committed is not known")
    paths = map(PurePosixPath, listing.stdout.split())
    return [
        path
        for path in paths
        if not {"tests", "migrations"} & set(path.parts) and (ROOT / path).is_file()
    ]


def crowded_folders(paths: Iterable[PurePosixPath]) -> Iterator[str]:
    """Folders of more than MOST_MODULES modules."""
    held = Counter(path.parent for path in paths if path.stem not in {"__init__", "__main__"})
    for folder, count in held.items():
        if count > MOST_MODULES:
            yield f"{folder} holds {count} modules: cut it in folders, {MOST_MODULES} at most"


def shared_prefixes(paths: Iterable[PurePosixPath]) -> Iterator[str]:
    """Prefixes that want to be folders: ``storage_disk``, ``storage_keys``, ``storage``."""
    by_prefix = defaultdict(set)
    for path in paths:
        by_prefix[path.parent, path.stem.split("_")[0]].add(path.name)
    for (folder, prefix), names in by_prefix.items():
        if prefix and len(names) >= PREFIX_BECOMES_A_FOLDER:
            yield f"{folder}: {', '.join(sorted(names))} share a prefix: make {folder}/{prefix}/"


def names_with_two_meanings(
    paths: Iterable[PurePosixPath], roles: Mapping[str, str] = ROLES
) -> Iterator[str]:
    """File names that stand in two places without being a role."""
    by_name = defaultdict(list)
    for path in paths:
        by_name[path.stem].append(str(path))
    for name, places in by_name.items():
        if len(places) > 1 and name not in roles:
            yield f"{' and '.join(places)} share a name: rename one, or say in ROLES what it means"


def classes_of(paths: Iterable[PurePosixPath]) -> Iterator[tuple[str, str]]:
    """Public classes at the top of modules, with their places."""
    for path in paths:
        for node in ast.parse((ROOT / path).read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, str(path)


def classes_named_twice(found: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Public class names that stand in two modules."""
    by_name = defaultdict(list)
    for name, place in found:
        by_name[name].append(place)
    for name, places in by_name.items():
        if len(places) > 1 and name not in ROLES_OF_CLASSES:
            yield f"{name} is a class of {' and of '.join(places)}: rename one"


ROLES_OF_CLASSES = {"Settings"}
"""Class names that are a role, as those of files."""


def none_of(offenders: Iterable[str]) -> None:
    """Fail with all of them, one a line."""
    listed = list(offenders)
    assert not listed, "\n".join(listed)


def test_no_folder_is_crowded() -> None:
    none_of(crowded_folders(modules()))


def test_a_prefix_that_three_files_share_is_a_folder() -> None:
    none_of(shared_prefixes(modules()))


def test_no_file_name_has_two_meanings() -> None:
    none_of(names_with_two_meanings(modules()))


def test_no_public_class_name_is_used_twice() -> None:
    none_of(classes_named_twice(classes_of(modules())))


def test_every_feature_of_the_gateway_is_cut_in_the_same_layers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = {
        contract["name"]: contract for contract in project["tool"]["importlinter"]["contracts"]
    }
    features = {
        ".".join(path.parent.parts)
        for path in modules()
        if path.match("services/gateway/*/feature.py")
    }
    assert set(contracts["Layers of a feature"]["containers"]) == features


def paths_of(*names: str) -> Sequence[PurePosixPath]:
    return [PurePosixPath(name) for name in names]


def test_these_checks_find_what_they_are_for() -> None:
    crowd = paths_of(*(f"a/{letter}.py" for letter in "abcdefghijklmnop"))
    assert list(crowded_folders(crowd)) == ["a holds 16 modules: cut it in folders, 15 at most"]
    assert not list(crowded_folders(crowd[1:]))
    prefixed = paths_of("a/disk.py", "a/disk_keys.py", "a/disk_blocks.py")
    assert list(shared_prefixes(prefixed)) == [
        "a: disk.py, disk_blocks.py, disk_keys.py share a prefix: make a/disk/"
    ]
    assert not list(shared_prefixes(prefixed[1:]))
    twice = paths_of("a/cut.py", "b/cut.py", "a/app.py", "b/app.py")
    assert list(names_with_two_meanings(twice)) == [
        "a/cut.py and b/cut.py share a name: rename one, or say in ROLES what it means"
    ]
    assert list(classes_named_twice([("Page", "a.py"), ("Page", "b.py"), ("Word", "a.py")])) == [
        "Page is a class of a.py and of b.py: rename one"
    ]
