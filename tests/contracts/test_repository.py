"""What holds for every file of the repository, and no tool of its own checks."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import services
from lectern.service_catalog import SERVICES, ServiceSpec
from libs.common.contracts.catalog import every_event

ROOT = Path(__file__).resolve().parents[2]
CODE = ("libs", "services", "lectern", "bench")
LONGEST_FILE = 300
LONGEST_FUNCTION = 40

TESTED_ELSEWHERE = {
    "__main__": "three lines; tests/journeys starts every service with it",
    "app": "puts a service together; lectern/tests and tests/journeys run the result",
    "settings": "declarations; libs/common/tests/test_settings.py covers how they are read",
    "tables": "declarations; the tests of the modules that use them run on a migrated database",
    "service_catalog": "names the five services; every test of lectern runs what it names",
    "projection": "services/gateway/tests/test_projection.py folds all events in any order",
    "zygote": "a process that test_sandbox starts and talks to",
}
"""Modules without a test of their own, by name, and why."""

# Written so that this file doesn't match.
UNFINISHED = re.compile(r"\b(TO[D]O|FI[X]ME|HA[C]K|raise NotImpleme[n]ted\w*)\b")
REGISTRIES = re.compile(
    r"pypi\.(?:org|python\.org)|pythonhosted\.org|registry\.npmjs\.org|crates\.io"
    r"|repo1?\.maven\.(?:org|apache\.org)|proxy\.golang\.org"
)
OUR_PATHS = re.compile(r"(?<![\w.~}-])/(?:home|Users|root|work)/[\w.]")


@cache
def committed() -> tuple[Path, ...]:
    """The files under version control, relative to the root."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: which files are committed is not known")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    names = (Path(name) for name in listing.stdout.split("\0") if name)
    return tuple(path for path in names if (ROOT / path).is_file())


def texts() -> Iterator[tuple[Path, str]]:
    """The committed files that are text."""
    for path in committed():
        data = (ROOT / path).read_bytes()
        if b"\0" not in data:
            yield path, data.decode(errors="replace")


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """The committed modules that are not tests or migrations."""
    for path in committed():
        part_of_code = path.suffix == ".py" and path.parts[0] in CODE
        if part_of_code and not {"tests", "migrations", "conftest.py"} & set(path.parts):
            yield path, ast.parse((ROOT / path).read_text())


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def found(pattern: re.Pattern[str]) -> list[str]:
    """``path:line: text`` of every match."""
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def none_of(offenders: Iterable[str]) -> None:
    """Fail with all of them, one a line."""
    listed = list(offenders)
    assert not listed, "\n".join(listed)


def test_no_file_names_a_package_registry() -> None:
    none_of(found(REGISTRIES))


def test_no_file_names_a_path_of_the_machine_that_it_was_written_on() -> None:
    none_of(found(OUR_PATHS) + found(re.compile(re.escape(str(ROOT)) + r"\b")))


def test_links_between_documents_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
    none_of(
        f"{path}: {target}"
        for path, text in texts()
        if path.suffix == ".md" and path.parts[0] != "services"
        for target in link.findall(text)
        if not (ROOT / path.parent / target).exists()
    )


def test_nothing_is_left_to_be_done_in_the_code() -> None:
    none_of(found(UNFINISHED))


def test_requirements_name_no_index_and_have_a_hash_for_everything() -> None:
    files = sorted((ROOT / "requirements").glob("*.txt"))
    names = {*(spec.name for spec in SERVICES), "lectern", "dev"}
    assert {file.stem for file in files} == names
    for file in files:
        text = file.read_text()
        assert not re.search(r"^\s*(-i|--index|--extra-index|-f|--find-links)", text, re.M)
        pinned = re.findall(r"^(\S+)==\S+.*\\\n    --hash=sha256:", text, re.M)
        assert len(pinned) == len(re.findall(r"^[a-zA-Z0-9]", text, re.M)), file.name


def test_every_set_of_requirements_pins_the_same_versions() -> None:
    pins: dict[str, set[str]] = {}
    for file in (ROOT / "requirements").glob("*.txt"):
        for name, version in re.findall(r"^(\S+?)==(\S+)", file.read_text(), re.M):
            pins.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}


@pytest.mark.parametrize("spec", SERVICES, ids=lambda spec: spec.name)
def test_the_requirements_of_a_service_have_all_that_it_declares(spec: ServiceSpec) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [spec.name, *(["espeak"] if spec.name == "synth" else [])]
    declared = [*project["dependencies"]]
    for extra in extras:
        declared += project["optional-dependencies"].get(extra, [])
    text = (ROOT / "requirements" / f"{spec.name}.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9-]+)\S*==", text, re.M))
    none_of(
        name
        for requirement in declared
        if (name := re.split(r"[\[>=<]", requirement)[0]) not in pinned
    )


def test_no_module_is_too_long() -> None:
    none_of(
        f"{path}: {lines} lines"
        for path, _ in modules()
        if (lines := len((ROOT / path).read_text().splitlines())) > LONGEST_FILE
    )


def test_no_function_is_too_long() -> None:
    none_of(
        f"{path}:{node.lineno}: {node.name}, {lines} lines"
        for path, tree in modules()
        for node in functions(tree)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    )


def test_every_module_with_logic_has_a_test_that_is_found_by_name() -> None:
    tests = {path for path in committed() if path.name.startswith("test_")}
    none_of(
        str(path)
        for path, tree in modules()
        if path.stem not in {"__init__", "conftest", *TESTED_ELSEWHERE}
        and any(functions(tree))
        and path.parts[0] != "bench"
        and not tests & set(places_of_test(path))
    )


def places_of_test(module: Path) -> Iterator[Path]:
    """Where the test of a module may be.

    ``x/tests/test_y.py`` for ``x/y.py``. A part may be tested with its whole: ``docx_parts.py`` by
    ``test_docx.py``, and modules of a package below the service by the test of the package, or in
    the tests of the service by both names: ``pdf/columns.py`` by ``test_pdf_columns.py``.
    """
    words = module.stem.split("_")
    stems = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    yield from (module.parent / "tests" / f"test_{stem}.py" for stem in stems)
    package = module.parent
    for name in (f"{package.name}_{module.stem}", package.name):
        yield package.parent / "tests" / f"test_{name}.py"


def test_every_public_module_class_and_function_says_what_it_is_for() -> None:
    without = [
        f"{path}:{node.name}"
        for path, tree in modules()
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    undescribed = [
        str(path)
        for path, tree in modules()
        if not ast.get_docstring(tree) and (ROOT / path).read_text().strip()
    ]
    none_of(without + undescribed)


def events_named(service: str, heading: str) -> set[str]:
    """The event classes that the docstring of a service names after ``Consumes:`` or so."""
    tree = ast.parse((Path(services.__path__[0]) / service / "__init__.py").read_text())
    listed = re.search(rf"{heading}: (.*?)(?=\n\S|\Z)", ast.get_docstring(tree) or "", re.S)
    return set(re.findall(r"\w+", listed[1])) if listed else set()


@pytest.mark.parametrize("spec", SERVICES, ids=lambda spec: spec.name)
def test_a_service_consumes_what_its_docstring_says(spec) -> None:
    assert events_named(spec.name, "Consumes") == {event.__name__ for event in spec.consumes}


def class_made(call: ast.Call) -> str:
    """The name that is called, as a class or by ``model_validate``."""
    made = call.func
    if isinstance(made, ast.Attribute) and made.attr == "model_validate":
        made = made.value
    return made.id if isinstance(made, ast.Name) else ""


@pytest.mark.parametrize("spec", SERVICES, ids=lambda spec: spec.name)
def test_a_service_produces_what_its_docstring_says(spec) -> None:
    classes = {event.__name__ for event in every_event()}
    made = {
        class_made(node)
        for path, tree in modules()
        if path.parts[:2] == ("services", spec.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    # Whatever gives a piece of work up says so; that is not named service by service.
    assert events_named(spec.name, "Produces") == (made & classes) - {"TaskFailed"}
