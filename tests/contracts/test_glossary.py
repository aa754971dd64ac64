"""One word for one thing: docs/glossary.md names it, and the source does not use its old names."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from libs.common.contracts.catalog import every_event

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
ROW = re.compile(
    r"^\| \*\*(?P<term>.+?)\*\* \|(?P<meaning>.+)\|(?P<where>.+)\|(?P<avoided>.*)\|$", re.M
)
IN_CODE = re.compile(r"`([^`]+)`")
CODE = ("libs", "services", "lectern", "bench", "deploy", "examples")


def rows() -> list[re.Match[str]]:
    return list(ROW.finditer(GLOSSARY.read_text()))


def avoided() -> dict[str, str]:
    """Names that the source may not use, with the term to use instead."""
    return {name: row["term"] for row in rows() for name in IN_CODE.findall(row["avoided"])}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """The committed modules that are not tests or migrations."""
    listing = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listing.returncode:
        pytest.skip("this is no clone: which files are committed is not known")
    for name in listing.stdout.split():
        path = Path(name)
        of_code = path.parts[0] in CODE and not {"tests", "migrations"} & set(path.parts)
        if of_code and (ROOT / path).is_file():
            yield name, ast.parse((ROOT / path).read_text())


def names_given(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module gives to something, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.alias(asname=str(name)):
                yield name, node.lineno


def uses(tree: ast.AST, avoided: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Lines that give an avoided name, public or not, with the term to use instead."""
    for name, line in names_given(tree):
        term = avoided.get(name.lstrip("_"))
        if term:
            yield line, f"{name}: the glossary calls it {term}"


def test_no_name_is_one_that_the_glossary_avoids() -> None:
    names = avoided()
    assert len(names) > 10
    found = [
        f"{path}:{line}: {what}" for path, tree in sources() for line, what in uses(tree, names)
    ]
    assert not found, "\n".join(found)


def test_every_noun_that_a_topic_begins_with_is_in_the_glossary() -> None:
    terms = {row["term"] for row in rows()}
    nouns = {event.topic.partition(".")[0].replace("_", " ") for event in every_event()}
    assert {noun for noun in nouns if not {noun, noun.removesuffix("s")} & terms} == set()


def test_a_term_has_one_row_and_no_term_is_avoided_by_another() -> None:
    terms = [row["term"] for row in rows()]
    assert len(terms) == len(set(terms))
    assert not set(terms) & set(avoided())


def test_what_the_glossary_points_at_is_there() -> None:
    for row in rows():
        for name in IN_CODE.findall(row["where"]):
            if "/" not in name or "<" in name:
                continue
            path = name if name.partition("/")[0] in {*CODE, "docs"} else f"libs/common/{name}"
            assert list(ROOT.glob(path)), f"{row['term']}: {name}"


def test_this_check_finds_what_it_is_for() -> None:
    tree = ast.parse("class Bell:\n    def __init__(self, tune):\n        self._bell = tune\n")
    names = {"Bell": "wakeup", "tune": "voice settings", "bell": "wakeup"}
    assert [line for line, _ in uses(tree, names)] == [1, 2, 3]
    assert not list(uses(ast.parse("bells = tuned(Bell)"), names))
