"""Every code that can be answered is explained, and nothing else is."""

import ast
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from services.gateway.http.problem_details.problem_types import PROBLEM_TYPES, type_uri

ROOT = Path(__file__).resolve().parents[5]
SOURCES = ("services/gateway", "libs/common/storage")
CODE_IS_ARGUMENT = {"Rejected": 0, "Refused": 1, "problem": 1}
ANSWERED_BY_STATUS = {"bad_request", "request_timeout"}
"""Codes of errors of the framework, which are made of their status."""


def codes_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            place = CODE_IS_ARGUMENT.get(name)
            if place is not None and len(node.args) > place:
                yield from words(node.args[place])
            if getattr(node.func, "attr", "") == "__init__" and node.args:
                yield from words(node.args[0])
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from assigned(target, node.value)


def assigned(target: ast.AST, value: ast.AST) -> Iterator[str]:
    if isinstance(target, ast.Name) and target.id == "code":
        yield from words(value)
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for name, element in zip(target.elts, value.elts, strict=True):
            yield from assigned(name, element)


def words(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value


def answered() -> set[str]:
    found = set(ANSWERED_BY_STATUS)
    for source in SOURCES:
        for path in (ROOT / source).rglob("*.py"):
            if not {"tests", "rebuilding", "migrations"} & set(path.parts):
                found |= set(codes_in(ast.parse(path.read_text())))
    return found


def test_every_code_that_can_be_answered_is_explained_and_no_other():
    assert answered() == set(PROBLEM_TYPES)


def test_each_has_a_status_of_errors_and_sentences():
    for code, kind in PROBLEM_TYPES.items():
        assert code == kind.code
        assert HTTPStatus(kind.status) >= HTTPStatus.BAD_REQUEST
        assert kind.meaning.endswith(".")
        assert kind.title[0].isupper()
        assert kind.uri == type_uri(code) == f"/api/problems#{code}"


def test_these_checks_find_what_they_are_for():
    source = (
        "status, code = 1, 'a'\nRejected('b', 'x')\nRefused(1, 'c')\nproblem(1, 'd')\ncode = 'e'"
    )
    assert set(codes_in(ast.parse(source))) == set("abcde")
