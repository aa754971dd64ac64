"""No function that nobody uses, no parameter that its function does not read."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tests.contracts.source import Function, Module, called, committed, module, none_of, shipped

USED_FROM_OUTSIDE = {
    "main": "an entry point: python -m, or a command of the package",
    "run": "called by the env.py of each service's migrations",
    "build": "the composition root of a service; lectern's catalog names it",
    "upgrade": "called by Alembic, by its name",
    "downgrade": "called by Alembic, by its name",
    "may_change_share": "rights are settled in one table before there are shares to ask about",
}
"""Names of functions that are used where no name is seen, and why."""

READ_BY_ITS_CALLER = {
    "register": "a plugin's hook has the parameters that its caller gives",
}
"""Functions whose parameters are fixed by whoever calls them, by name, and why."""


def names_used(modules: Iterable[Module]) -> Counter[str]:
    """How often each name is read, as a name, an attribute, an import or a string."""
    used: Counter[str] = Counter()
    for found in modules:
        for node in ast.walk(found.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used[node.id] += 1
            elif isinstance(node, ast.Attribute):
                used[node.attr] += 1
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                used[node.value.rpartition(".")[2].rpartition(":")[2]] += 1
    return used


def unused_functions(shipped: Iterable[Module], all_modules: Iterable[Module]) -> Iterator[str]:
    """Public functions of modules that are named nowhere but in tests and where they stand."""
    used = names_used(found for found in all_modules if not found.of_tests)
    fixtures = names_used(found for found in all_modules if found.of_tests)
    for found in shipped:
        for node in found.tree.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith(("_", "pytest_")) or node.name in USED_FROM_OUTSIDE:
                continue
            for_tests = "testing" in found.path.parts and fixtures[node.name]
            if not used[node.name] and not for_tests and not is_registered(node):
                yield f"{found.path}:{node.lineno}: {node.name} is used by nobody"


def is_registered(function: Function) -> bool:
    """Tell whether a decorator hands the function on: a fixture, a route, a compiler."""
    return any(called(one) not in PLAIN for one in function.decorator_list)


PLAIN = {"cache", "lru_cache", "contextmanager", "asynccontextmanager", "wraps"}
"""Decorators of functions that somebody must still call by name."""


def unused_parameters(modules: Iterable[Module]) -> Iterator[str]:
    """Parameters that the body never reads.

    One that another decides about is not meant: of a method (its class may have a protocol or a
    base), of a function that is handed on by a decorator, or with a name that begins with ``_``.
    """
    for found in modules:
        methods = {
            id(node)
            for made in ast.walk(found.tree)
            if isinstance(made, ast.ClassDef)
            for node in made.body
        }
        handed_on = values_handed_on(found.tree)
        for node in ast.walk(found.tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            exempt = id(node) in methods or is_registered(node) or node.name in handed_on
            if exempt or node.name in READ_BY_ITS_CALLER or is_empty(node):
                continue
            for name in unread(node):
                yield f"{found.path}:{node.lineno}: {node.name} does not read {name}"


def values_handed_on(tree: ast.AST) -> set[str]:
    """Names that are passed about, not only called: whoever calls them fixes their parameters."""
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in calls
    }


def is_empty(function: Function) -> bool:
    """Tell whether a body is only a docstring, ``...`` or ``pass``."""
    return all(
        isinstance(line, ast.Pass)
        or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        for line in function.body
    )


def unread(function: Function) -> Sequence[str]:
    """Return the parameters that a function never reads."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [one for one in (arguments.vararg, arguments.kwarg) if one]
    read = {
        node.id
        for line in function.body
        for node in ast.walk(line)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return [one.arg for one in every if one.arg not in read and not one.arg.startswith("_")]


def test_every_public_function_is_used() -> None:
    none_of(unused_functions(shipped(), committed()))


def test_every_parameter_is_read() -> None:
    none_of(unused_parameters(shipped()))


def test_these_checks_find_what_they_are_for() -> None:
    dead = module("libs/a.py", "def dead(): ...\ndef alive(): ...\n@route\ndef routed(): ...")
    user = module("libs/b.py", "from libs import a\na.alive()")
    test = module("libs/tests/test_a.py", "from libs.a import dead\ndead()")
    assert list(unused_functions([dead], [dead, user, test])) == [
        "libs/a.py:1: dead is used by nobody"
    ]
    assert not list(unused_functions([module("libs/testing/a.py", "def dead(): ...")], [test]))

    def parameters(text: str) -> list[str]:
        return list(unused_parameters([module("libs/a.py", text)]))

    assert parameters("def f(a, b):\n return a") == ["libs/a.py:1: f does not read b"]
    assert parameters("def f(*a, b=1, **c):\n return 1") == [
        "libs/a.py:1: f does not read b",
        "libs/a.py:1: f does not read a",
        "libs/a.py:1: f does not read c",
    ]
    assert not parameters("def f(_a):\n return 1")
    assert not parameters("class A:\n def f(self, a):\n  return 1")
    assert not parameters("def f(a):\n return 1\nnote(f)")
    assert not parameters("def f(a):\n '''It.'''\n ...")
