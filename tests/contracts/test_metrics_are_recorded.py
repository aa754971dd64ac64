"""Every metric that is declared is recorded somewhere, and every one recorded is declared."""

import ast
from collections.abc import Iterable, Iterator

from libs.common.observability.metrics import every_metric
from tests.contracts.source import Module, module, none_of, shipped

RECORDING = {"inc", "dec", "set", "observe", "time", "labels", "count_exceptions"}


def recorded(modules: Iterable[Module]) -> Iterator[tuple[str, str]]:
    """Yield what is recorded, ``x.<name>.inc()`` or ``metrics.<name>`` handed on, and where."""
    for found in modules:
        for node in ast.walk(found.tree):
            if not isinstance(node, ast.Attribute):
                continue
            if node.attr in RECORDING and isinstance(node.value, ast.Attribute):
                yield node.value.attr, f"{found.path}:{node.lineno}"
            if ast.unparse(node.value).rpartition(".")[2].lstrip("_") == "metrics":
                yield node.attr, f"{found.path}:{node.lineno}"


def never_recorded(declared: Iterable[str], modules: Iterable[Module]) -> Iterator[str]:
    """Declared metrics that stay at 0 whatever happens."""
    names = {name for name, _ in recorded(modules)}
    for name in declared:
        if name not in names:
            yield f"{name} is declared and never recorded"


def never_declared(declared: Iterable[str], modules: Iterable[Module]) -> Iterator[str]:
    """What is recorded by ``metrics.<name>.inc()`` or so and is no metric."""
    known = set(declared)
    for found in modules:
        for node in ast.walk(found.tree):
            if isinstance(node, ast.Attribute) and node.attr in RECORDING:
                taken = ast.unparse(node.value).split(".")
                owner = taken[-2].lstrip("_") if len(taken) > 1 else ""
                if owner == "metrics" and taken[-1] not in known:
                    yield f"{found.path}:{node.lineno}: {taken[-1]} is not declared"


def of_code() -> list[Module]:
    """The modules that may record; the declarations are none of them."""
    return [
        found
        for found in shipped()
        if found.path.parts[0] in {"libs", "services", "lectern"}
        and "libs.common.observability.metrics" not in imports_of_module(found)
    ]


def imports_of_module(found: Module) -> set[str]:
    """Modules that are imported as such under the name ``metrics``: attributes are its names."""
    return {
        f"{node.module}.{alias.name}"
        for node in ast.walk(found.tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == "metrics"
    }


def test_every_metric_is_recorded() -> None:
    none_of(never_recorded([metric.name for metric in every_metric()], of_code()))


def test_every_metric_that_is_recorded_is_declared() -> None:
    none_of(never_declared([metric.name for metric in every_metric()], of_code()))


def test_these_checks_find_what_they_are_for() -> None:
    text = "self.metrics.jobs_ready.set(1)\nmetrics.lag.labels(topic=1).observe(2)\nnote(m.up.inc)"
    recording = [module("libs/a.py", text)]
    assert list(never_recorded(["jobs_ready", "lag", "up"], recording)) == []
    assert list(never_recorded(["jobs_done"], recording)) == [
        "jobs_done is declared and never recorded"
    ]
    assert list(never_declared(["jobs_ready"], recording)) == ["libs/a.py:2: lag is not declared"]
    assert list(never_declared(["jobs_ready", "lag"], recording)) == []
