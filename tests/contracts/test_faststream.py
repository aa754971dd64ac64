"""FastStream is used by what it documents: a release of it may change anything else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {"faststream", "faststream.kafka", "faststream.security"}
SOURCES = [
    path
    for top in ("libs", "services", "lectern", "bench")
    for path in sorted((ROOT / top).rglob("*.py"))
    if "faststream" in path.read_text() and "tests" not in path.parts
]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def private_of_others(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner not in {"self", "cls"} and not node.attr.startswith("__"):
                yield f"{ast.unparse(node)}, line {node.lineno}"


def test_it_is_used():
    assert SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_its_public_modules_are_imported(path):
    names = {name for name in imported(ast.parse(path.read_text())) if "faststream" in name}
    assert names <= PUBLIC


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_private_is_touched_where_it_is_used(path):
    assert list(private_of_others(ast.parse(path.read_text()))) == []
