"""What the runbooks have operators type, held against the code."""

import importlib
import re
from pathlib import Path

from sqlalchemy import text

from lectern.service_catalog import SERVICES
from libs.common.database.engine import Database
from libs.common.processing.erasing import ERASE
from libs.common.processing.job_kind import JobKind
from libs.common.settings import CommonSettings, variable
from libs.common.store.bodies.compact_text import NamedByIds, Traceparent
from libs.common.store.migrate import upgrade
from libs.common.store.tables import core
from services.gateway.rebuilding.shadows import BESIDE
from services.gateway.tables import READ_MODELS

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
SQL = re.compile(r'-c "([^"]+)"|`(SELECT [^`]* FROM [^`]*)`')
IN_BYTES = {
    column.name
    for table in core.tables.values()
    for column in table.columns
    if isinstance(column.type, NamedByIds | Traceparent)
}
"""Columns that are text in Python, and bytes on PostgreSQL: psql neither shows nor finds them."""


def statements() -> dict[str, str]:
    """All SQL of the runbooks, with the name of the runbook."""
    return {
        (one or other): path.name
        for path in sorted(RUNBOOKS.glob("*.md"))
        for one, other in SQL.findall(path.read_text())
    }


def test_no_query_names_what_only_python_can_read() -> None:
    found = statements()
    assert {"outbox.md", "jobs.md", "rebuild.md", "budget.md"} <= set(found.values())
    wrong = [
        f"{name}: {column} in {sql}"
        for sql, name in found.items()
        for column in IN_BYTES
        if re.search(rf"\b{column}\b", sql)
    ]
    assert not wrong, "\n".join([*wrong, "`lectern events list` shows these"])


def test_moments_of_events_are_shown_as_moments() -> None:
    for sql, name in statements().items():
        for use in re.findall(r"\S*\boccurred_at\b.{0,9}", sql):
            assert re.search(r"to_timestamp\(.*occurred_at\)? / 1e6\)", use), f"{name}: {sql}"


async def test_every_query_is_one(postgres_database: str) -> None:
    database = Database(postgres_database)
    await upgrade(database, SERVICES[0].migrations)  # the gateway has what all have, and more
    for sql, name in statements().items():
        async with database.transaction() as connection:
            assert await connection.execute(text(sql)), name
    await database.close()


def test_what_a_rebuild_leaves_is_removed_as_a_whole_and_where_it_is() -> None:
    runbook = (RUNBOOKS / "rebuild.md").read_text()
    named = set(re.findall(rf"\b{BESIDE}\w+", runbook))
    assert named == {BESIDE + table.name for table in READ_MODELS}
    assert "$DATABASE" not in runbook  # that of synth, in the README of the runbooks


def test_every_variable_is_set_by_the_readme_or_by_lectern() -> None:
    readme = (RUNBOOKS / "README.md").read_text()
    for path in sorted(RUNBOOKS.glob("*.md")):
        runbook = path.read_text()
        known = set(re.findall(r"\b([A-Z_]+)=", readme)) | set(re.findall(r"for (\w+) in", runbook))
        for used in re.findall(r"\$\{?([A-Za-z_]\w*)", runbook):
            service = re.fullmatch(r"(LECTERN|[A-Z]+)_DATABASE_URL|LECTERN_\w+", used)
            assert used in known or service, f"{path.name}: ${used} is set nowhere"


def test_metrics_are_asked_for_where_they_are() -> None:
    for path in sorted(RUNBOOKS.glob("*.md")):
        for where in re.findall(r"(\S+)/metrics \|", path.read_text()):
            assert where in ("$METRICS", "$address"), f"{path.name}: {where} may have none"


def kinds_of_jobs() -> dict[tuple[str, str], tuple[float, float]]:
    """Soft and hard limit, by service and kind."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for spec in SERVICES:
        folder = ROOT / "services" / spec.name
        modules = [path.relative_to(ROOT).with_suffix("") for path in folder.rglob("jobs.py")]
        kinds = [
            kind
            for module in modules
            for kind in vars(importlib.import_module(".".join(module.parts))).values()
            if isinstance(kind, JobKind)
        ]
        if "ERASE" in (folder / "app.py").read_text():
            kinds.append(ERASE)
        found |= {
            (spec.name, kind.name): (kind.limits.soft_s, kind.limits.hard_s) for kind in kinds
        }
    return found


def test_the_limits_of_each_kind_of_job_are_those_of_the_code() -> None:
    row = re.compile(r"^\| (\w+) \| `(\w+)` \| (\d+) \| (\d+) \|", re.MULTILINE)
    table = row.findall((RUNBOOKS / "jobs.md").read_text())
    told = {(service, kind): (float(soft), float(hard)) for service, kind, soft, hard in table}
    assert len(table) == len(told)
    assert told == kinds_of_jobs()


def test_settings_that_runbooks_name_are_settings() -> None:
    known = {variable(CommonSettings, field) for field in CommonSettings.model_fields}
    known |= {variable(s.settings, field) for s in SERVICES for field in s.settings.model_fields}
    prefixes = "|".join(["LECTERN", *(spec.name.upper() for spec in SERVICES)])
    for path in sorted(RUNBOOKS.glob("*.md")):
        named = set(re.findall(rf"\b(?:{prefixes})_[A-Z0-9_]+[A-Z0-9]\b", path.read_text()))
        assert named <= known, f"{path.name}: {sorted(named - known)}"
