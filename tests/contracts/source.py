"""The committed Python of the repository, read as syntax trees; what the house rules look at."""

import ast
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("libs", "services", "lectern", "bench", "deploy", "examples", "scripts")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file, by its path from the root."""

    path: PurePosixPath
    tree: ast.Module

    @property
    def of_tests(self) -> bool:
        """Whether only tests need it."""
        return "tests" in self.path.parts or self.path.name == "conftest.py"

    @property
    def of_migrations(self) -> bool:
        """Whether it is a step of a database, which never changes."""
        return "migrations" in self.path.parts


def module(path: str, text: str) -> Module:
    """Make a module of ``text``, for tests of checks."""
    return Module(PurePosixPath(path), ast.parse(text))


@cache
def committed() -> tuple[Module, ...]:
    """Every committed module, tests and migrations too."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "*.py"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listing.returncode:
        pytest.skip("this is no clone: which files are committed is not known")
    paths = [PurePosixPath(name) for name in listing.stdout.split("\0") if name]
    return tuple(
        Module(path, ast.parse((ROOT / path).read_text()))
        for path in paths
        if (ROOT / path).is_file()
    )


def shipped() -> Sequence[Module]:
    """The committed modules of the product: no tests, no migrations."""
    return [
        found
        for found in committed()
        if found.path.parts[0] in CODE and not (found.of_tests or found.of_migrations)
    ]


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield all functions of a module, methods and inner ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    """Yield all classes of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node


def called(node: ast.expr) -> str:
    """Return the last part of a name, of ``dataclass(...)`` as of ``dataclasses.dataclass``."""
    if isinstance(node, ast.Call):
        return called(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def none_of(offenders: Iterable[str]) -> None:
    """Fail with all of them, one a line."""
    listed = list(offenders)
    assert not listed, "\n".join(listed)
