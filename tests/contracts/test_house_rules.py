"""Rules of the house that concern how code is written; each check has a test of its own below."""

import ast
import re
from collections.abc import Iterable, Iterator

from tests.contracts.source import (
    Function,
    Module,
    called,
    classes,
    committed,
    functions,
    module,
    none_of,
    shipped,
)

FEW = 3
"""Fields that may be given by position; with more of them, nobody knows which is which."""

POSITIONAL_ALLOWED = {
    "libs/common/database/sqlite/short_statements.py:Outcome": "made for every statement",
}
"""Classes with more fields that are made by position, ``path:Class``, and why."""

BOUNDED_LISTS = {
    "libs/common/store/republishing.py": "of all topics, so that an index serves them",
    "libs/common/store/event_store.py": "slices of STREAMS_PER_QUERY",
    "libs/common/store/inbox.py": "MOST_ASKED ids, or the records of a batch",
    "libs/common/store/outbox.py": "a batch of the relay",
    "libs/common/store/resend.py": "topics, and slices of MOST_ASKED",
    "services/synth/synthesis/cache/segment_index.py": "slices; JSON has no bytes",
}
"""Modules that give a list as so many parameters, and what bounds it."""

UNTYPED_ROW = re.compile(r"\bAnyRow\b|\bRow\[\(?(?:Any|\*?tuple\[Any, \.\.\.\])|\bRowMapping\b")


def empty_names(modules: Iterable[Module]) -> Iterator[str]:
    """Variables named ``each``, which say nothing of what they hold."""
    for found in modules:
        for node in ast.walk(found.tree):
            name = ""
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                name = node.id
            elif isinstance(node, ast.arg):
                name = node.arg
            if name == "each":
                line = getattr(node, "lineno", 0)
                yield f"{found.path}:{line}: `each` of what? Name what it holds"


def positional_classes(modules: Iterable[Module]) -> Iterator[str]:
    """Dataclasses and constructors that take more than a few values by position."""
    for found in modules:
        for made in classes(found.tree):
            if f"{found.path}:{made.name}" in POSITIONAL_ALLOWED:
                continue
            if (count := positional_fields(made)) > FEW:
                yield f"{found.path}:{made.lineno}: {made.name} has {count} fields: kw_only=True"
            for method in made.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    count = len(method.args.posonlyargs) + len(method.args.args) - 1
                    if count > FEW:
                        yield (
                            f"{found.path}:{method.lineno}: {made.name}.__init__ takes {count} "
                            "values by position: put * before them"
                        )


def positional_fields(made: ast.ClassDef) -> int:
    """Count the fields of a dataclass that are given by position; 0 if it is none."""
    decorators = [one for one in made.decorator_list if called(one) == "dataclass"]
    if not decorators or "kw_only" in ast.unparse(decorators[0]):
        return 0
    return sum(1 for field in made.body if isinstance(field, ast.AnnAssign) and is_field(field))


def is_field(field: ast.AnnAssign) -> bool:
    """Tell whether an annotation of a dataclass is a value that its constructor takes."""
    declared = ast.unparse(field.annotation)
    given = ast.unparse(field.value) if field.value else ""
    return not declared.startswith("ClassVar") and "init=False" not in given


def untyped_rows(modules: Iterable[Module]) -> Iterator[str]:
    """Public functions and fields whose types say no more than that there is a row."""
    for found in modules:
        for function in functions(found.tree):
            if not function.name.startswith("_"):
                for annotation in annotations(function):
                    if UNTYPED_ROW.search(annotation):
                        yield f"{found.path}:{function.lineno}: {function.name} has {annotation}"
        for made in classes(found.tree):
            for field in made.body:
                if isinstance(field, ast.AnnAssign):
                    declared = ast.unparse(field.annotation)
                    if UNTYPED_ROW.search(declared):
                        yield f"{found.path}:{field.lineno}: {made.name} holds {declared}"


def annotations(function: Function) -> Iterator[str]:
    """Yield the types of the parameters and of what is returned."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [one for one in (arguments.vararg, arguments.kwarg) if one]
    for one in every:
        if one.annotation:
            yield ast.unparse(one.annotation)
    if function.returns:
        yield ast.unparse(function.returns)


def sqlalchemy_in_handlers(modules: Iterable[Module]) -> Iterator[str]:
    """Imports of SQLAlchemy in ``handlers.py``: statements and steps are in rows and tables."""
    for found in modules:
        if found.path.name != "handlers.py":
            continue
        for node in ast.walk(found.tree):
            for name in imported(node):
                if name.startswith("sqlalchemy."):
                    yield f"{found.path}:{getattr(node, 'lineno', 0)}: imports {name}"


def imported(node: ast.AST) -> Iterator[str]:
    """Yield the full names that an import makes known; a module as itself and a dot."""
    if isinstance(node, ast.Import):
        yield from (f"{alias.name}." for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def lists_of_any_length(modules: Iterable[Module]) -> Iterator[str]:
    """Lists that go to the database as so many parameters; beyond 32,766 it refuses them."""
    for found in modules:
        if str(found.path) in BOUNDED_LISTS:
            continue
        for node in ast.walk(found.tree):
            if not (isinstance(node, ast.Call) and called(node) == "in_"):
                continue
            given = node.args[0]
            constant = isinstance(given, ast.Name) and given.id.isupper()
            if not (constant or isinstance(given, ast.Tuple | ast.Call)):
                yield f"{found.path}:{node.lineno}: how long may it be? Use among()"


def test_variables_say_what_they_hold() -> None:
    none_of(empty_names(committed()))


def test_what_has_more_than_three_fields_is_made_by_keyword() -> None:
    none_of(positional_classes(shipped()))


def test_no_untyped_row_crosses_the_border_of_a_module() -> None:
    none_of(untyped_rows(shipped()))


def test_handlers_build_no_statements() -> None:
    none_of(sqlalchemy_in_handlers(shipped()))


def test_lists_of_any_length_are_one_parameter() -> None:
    none_of(lists_of_any_length(shipped()))


def test_these_checks_find_what_they_are_for() -> None:
    def found_in(check, text: str, path: str = "libs/a.py") -> list[str]:
        return list(check([module(path, text)]))

    assert found_in(empty_names, "for each in []: pass")
    assert found_in(empty_names, "[each for each in []]")
    assert found_in(empty_names, "key = lambda each: 1")
    assert not found_in(empty_names, "for page in []: each(page)")

    four = "class A:\n a: int\n b: int\n c: int\n d: int = field(default=1)"
    assert found_in(positional_classes, f"@dataclass\n{four}")
    assert found_in(positional_classes, f"@dataclasses.dataclass(frozen=True)\n{four}")
    assert not found_in(positional_classes, f"@dataclass(frozen=True, kw_only=True)\n{four}")
    assert not found_in(positional_classes, four), "no dataclass"
    ready = f"@dataclass\n{four}".replace("default=1", "init=False")
    assert not found_in(positional_classes, ready)
    assert found_in(positional_classes, "class A:\n def __init__(self, a, b, c, d): ...")
    assert not found_in(positional_classes, "class A:\n def __init__(self, *, a, b, c, d): ...")
    assert not found_in(positional_classes, "class A:\n def __init__(self, a, b, c, *d): ...")

    assert found_in(untyped_rows, "def f(row: AnyRow) -> None: ...")
    assert found_in(untyped_rows, "async def f() -> list[Row[Any]]: ...")
    assert found_in(untyped_rows, "def f(*rows: Row[*tuple[Any, ...]]) -> None: ...")
    assert found_in(untyped_rows, "class A:\n row: AnyRow | None")
    assert not found_in(untyped_rows, "def _f(row: AnyRow) -> Row[int]: ...")

    handlers = "services/a/handlers.py"
    assert found_in(sqlalchemy_in_handlers, "from sqlalchemy import select", handlers)
    assert found_in(sqlalchemy_in_handlers, "import sqlalchemy as sa", handlers)
    assert not found_in(sqlalchemy_in_handlers, "from sqlalchemy import select", "services/a/b.py")

    assert found_in(lists_of_any_length, "a.in_(ids)")
    assert found_in(lists_of_any_length, "a.in_([str(one) for one in ids])")
    assert not found_in(lists_of_any_length, "a.in_(LIVE), a.in_(select(b)), a.in_((1, 2))")
