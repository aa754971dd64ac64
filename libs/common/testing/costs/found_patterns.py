"""The regular expressions of the modules that run, found where they are held or written out."""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any, Literal

Way = Literal["search", "match", "fullmatch"]
"""How an expression is used. A match from a given position is a search: it moves on."""


@dataclass(frozen=True)
class FoundPattern:
    """An expression, the module that it was found in, and how it is used there."""

    module: str
    pattern: re.Pattern[Any]
    way: Way = "search"

    def __str__(self) -> str:
        return f"{self.module}: {self.way} {self.pattern.pattern!r:.60}"

    def work(self, text: str) -> object:
        """Use the expression on ``text`` as its module does."""
        source: Any = text.encode() if isinstance(self.pattern.pattern, bytes) else text
        if self.way == "search":
            return sum(1 for _ in self.pattern.finditer(source))
        return getattr(self.pattern, self.way)(source)


def patterns_of(root: Path, folders: Sequence[str]) -> list[FoundPattern]:
    """Return every expression of the modules below ``folders`` of ``root``.

    Those that a module holds once it is imported, in whatever it holds, and those that are written
    out where they are used.
    """
    sources = dict(_sources(root, folders))
    uses = {module: set(_uses(ast.parse(source))) for module, source in sources.items()}
    anywhere = set().union(*uses.values())
    found: dict[tuple[str, Way, str | bytes, int], FoundPattern] = {}
    for module, source in sources.items():
        if not re.search(r"\bre\.|Pattern", source):
            continue
        held = [
            FoundPattern(module, pattern, _way(name, uses[module], anywhere))
            for name, value in vars(importlib.import_module(module)).items()
            for pattern in patterns_within(value)
        ]
        for one in (*held, *_written_out(module, ast.parse(source))):
            found.setdefault((module, one.way, one.pattern.pattern, one.pattern.flags), one)
    return list(found.values())


def patterns_within(value: object, depth: int = 4) -> Iterator[re.Pattern[Any]]:
    """Yield the expressions in a value, as deep as ``depth`` containers and closures."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for member in value:
            yield from patterns_within(member, depth - 1)
    elif depth and isinstance(value, Mapping):
        for member in value.values():
            yield from patterns_within(member, depth - 1)
    elif depth and isinstance(value, FunctionType):
        for cell in value.__closure__ or ():
            yield from patterns_within(cell.cell_contents, depth - 1)


def _sources(root: Path, folders: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the modules that run, by name, with their text."""
    for path in sorted(path for folder in folders for path in (root / folder).rglob("*.py")):
        within = path.relative_to(root)
        if {"tests", "testing", "migrations"}.isdisjoint(within.parts) and within.name not in {
            "conftest.py",
            "__main__.py",
        }:
            yield ".".join(within.with_suffix("").parts).removesuffix(".__init__"), path.read_text()


def _uses(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (name, way) for every call of a method of something with a name."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            once = node.func.attr == "fullmatch" or len(node.args) == 1
            yield node.func.value.id, node.func.attr if once else "search"


def _way(name: str, here: Set[tuple[str, str]], anywhere: Set[tuple[str, str]]) -> Way:
    """Return how what has ``name`` is used; unless all agree, it is a search."""
    ways = {way for used, way in (here if name.startswith("_") else anywhere) if used == name}
    return "match" if ways == {"match"} else "fullmatch" if ways == {"fullmatch"} else "search"


def _written_out(module: str, tree: ast.AST) -> Iterator[FoundPattern]:
    """Yield the expressions that are given to a function of ``re`` as they are."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr != "compile"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str | bytes)
        ):
            ways: Mapping[str, Way] = {"match": "match", "fullmatch": "fullmatch"}
            pattern = re.compile(node.args[0].value, _flags(node))
            yield FoundPattern(module, pattern, ways.get(node.func.attr, "search"))


def _flags(call: ast.Call) -> re.RegexFlag:
    flags = re.NOFLAG
    for given in (*call.args[1:], *(keyword.value for keyword in call.keywords)):
        for part in ast.walk(given):
            if isinstance(part, ast.Attribute) and part.attr in re.RegexFlag.__members__:
                flags |= re.RegexFlag[part.attr]
    return flags
