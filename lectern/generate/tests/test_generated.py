import json
import os
import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from lectern.generate import frozen, generated
from lectern.generate.promises import every_promise
from lectern.generate.schema_compat import wire_schema
from lectern.service_catalog import SERVICES, consumers
from libs.common.contracts.audio import AudioReady
from libs.common.contracts.catalog import every_event
from libs.common.contracts.tasks import TaskFailed
from libs.common.settings import CommonSettings, load

DOCUMENTS = ("docs/events", "docs/events.md", "docs/architecture.md", "docs/asyncapi.yaml")
FILES = (*DOCUMENTS, "docs/problems.md", "deploy/kafka/acls.sh", "deploy/s3")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the generated files and what they are made of."""
    for name in (*FILES, ".env.example", "pyproject.toml"):
        source, target = generated.ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    return tmp_path


def contents(tree: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in tree.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_the_tree_is_fresh(capsys):
    assert generated.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.slow
def test_check_names_what_is_stale_and_writes_nothing(tree, capsys):
    (tree / "docs/asyncapi.yaml").unlink()
    schema = tree / "docs/events/schemas/audio.ready.v1.json"
    changed = json.loads(schema.read_text())
    changed["description"] = "Something else."
    schema.write_text(json.dumps(changed))
    before = contents(tree)
    assert generated.main(["--check"], tree) == 1
    assert capsys.readouterr().err.splitlines() == [
        "stale: docs/asyncapi.yaml",
        "stale: docs/events/schemas/audio.ready.v1.json",
        "refresh with: python -m lectern.generate",
    ]
    assert contents(tree) == before


@pytest.mark.slow
def test_writing_repairs_what_is_stale_and_nothing_else(tree, capsys):
    before = contents(tree)
    for name in ("docs/asyncapi.yaml", ".env.example"):
        (tree / name).write_text("old\n")
    for promise in every_promise():
        promise.schema_path(tree).unlink()
    assert generated.main([], tree) == 0
    assert contents(tree) == before
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(every_promise())
    assert generated.main([], tree) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_text_around_the_blocks_is_kept(tree):
    path = tree / "docs/architecture.md"
    text = path.read_text()
    marker = "<!-- begin generated: metrics -->\n"
    path.write_text("Added above.\n" + text.replace(marker, f"{marker}old\n"))
    assert generated.main([], tree) == 0
    assert path.read_text() == "Added above.\n" + text


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_an_incompatible_schema_is_not_overwritten(tree, arguments, capsys):
    path = tree / "docs/events/schemas/audio.ready.v1.json"
    committed = json.loads(path.read_text())
    committed["properties"]["bit_rate"] = {"type": "integer"}
    path.write_text(json.dumps(committed))
    before = contents(tree)
    assert generated.main(arguments, tree) == 1
    told = capsys.readouterr().err
    assert "audio.ready v1 is not compatible with its committed schema:\n  - bit_rate: rem" in told
    assert "AudioReady.version = 2" in told
    assert contents(tree) == before


@pytest.mark.parametrize(
    "name",
    ["schemas/page.lost.v1.json", "schemas/audio.ready.v2.json", "details/schemas/Gone.v1.json"],
)
def test_a_schema_of_no_event_is_refused(tree, name, capsys):
    (tree / "docs/events" / name).write_text("{}")
    assert generated.main(["--check"], tree) == 1
    assert f"docs/events/{name} is of no event: bring back" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["audio.ready", "AudiobookContents"])
def test_deleting_a_schema_is_no_way_out(tree, name, capsys, monkeypatch):
    """What was released is held against the class even when its committed schema is gone."""
    (promise,) = [one for one in every_promise() if one.name == name]
    promise.schema_path(tree).unlink()
    real = wire_schema(promise.kind)
    del real["properties"]["chapters" if name == "AudiobookContents" else "page"]
    monkeypatch.setattr(frozen, "wire_schema", lambda kind: real)
    monkeypatch.setattr(frozen, "every_promise", lambda: [promise])
    monkeypatch.setattr(frozen, "_of_nothing", lambda index: [])
    before = contents(tree)
    for arguments in ([], ["--freeze"], ["--check"]):
        assert generated.main(arguments, tree) == 1
        assert f"{name} v1 was released" in capsys.readouterr().err
    assert contents(tree) == before


def test_what_is_not_frozen_is_written_but_refused(tree, capsys):
    index = tree / frozen.INDEX
    kept = index.read_text()
    name = "audio.ready.v1"
    index.write_text(json.dumps({k: v for k, v in json.loads(kept).items() if k != name}))
    (tree / frozen.FOLDER / f"{name}.json").unlink()
    assert generated.main([], tree) == 0
    assert generated.main(["--check"], tree) == 1
    assert "audio.ready v1 is not frozen" in capsys.readouterr().err
    assert generated.main(["--freeze"], tree) == 0
    assert f"frozen: {name}\n" in capsys.readouterr().out
    assert index.read_text() == kept
    assert generated.main(["--check"], tree) == 0


@pytest.mark.parametrize("text", ["", "<!-- begin generated: a -->\n<!-- end generated -->" * 2])
def test_markers_must_be_those_of_the_blocks(text):
    with pytest.raises(ValueError, match=r"there are blocks \['a'\]"):
        generated.filled(text, {"a": "b\n"})


def test_what_is_filled_in_is_taken_literally():
    text = "x\n<!-- begin generated: a -->\nold\n<!-- end generated -->\ny\n"
    assert generated.filled(text, {"a": r"\1 $1" + "\n"}) == (
        "x\n<!-- begin generated: a -->\n\n\\1 $1\n\n<!-- end generated -->\ny\n"
    )


def test_field_tables_go_down_to_the_last_part():
    rows = generated.field_table(AudioReady).splitlines()[2:]
    cells = {row.split("`")[1]: [cell.strip() for cell in row.split("|")] for row in rows}
    assert set(AudioReady.model_fields) - {"event_id", "occurred_at", "renditions"} <= set(cells)
    assert cells["version"][2:4] == ["`1`", "always"]
    assert cells["rate"][2:4] == ["number, ≥ 0.5, ≤ 3", "always"]
    assert cells["renditions[]"][2] == "array, at least 1"
    assert cells["renditions[].object.sha256"][2:4] == ["string", "always"]
    assert cells["loudness_lufs"][2] == "number or null"
    assert cells["captions.size"][4] == "Bytes."


@pytest.mark.slow
def test_the_yaml_is_readable_without_anchors():
    text = (generated.ROOT / "docs/asyncapi.yaml").read_text()
    assert yaml.safe_load(text)["asyncapi"] == "3.0.0"
    assert not re.search(r"(^|\s)[&*]id\d+", text)


def test_the_env_example_can_be_copied(monkeypatch):
    for name in list(os.environ):
        if name.split("_")[0].lower() in {"lectern", *(spec.name for spec in SERVICES)}:
            monkeypatch.delenv(name)
    for line in (generated.ROOT / ".env.example").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            monkeypatch.setenv(name, value)
    common = load(CommonSettings, kafka_bootstrap_servers="k:1", storage_url="file:///objects")
    assert common.log_level == "INFO"
    for spec in SERVICES:
        read = load(spec.settings, database_url="sqlite+aiosqlite:///x")
        declared = spec.settings.model_fields["http_port"].default
        assert read.http_port == declared


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.topic)
def test_events_are_published_by_who_they_say(event):
    publishing = [name for name, events in generated.publishers().items() if event in events]
    everybody = [spec.name for spec in SERVICES]
    assert publishing == (everybody if event.producer == "*" else [event.producer])


@pytest.mark.parametrize("spec", SERVICES, ids=lambda spec: spec.name)
def test_services_say_what_they_consume_and_produce(spec):
    """The docstring of a service is the first thing a reader sees of it."""
    text = import_module(f"services.{spec.name}").__doc__ or ""
    consumes, _, produces = text.partition("Consumes:")[2].partition("Produces:")
    assert set(re.findall(r"\w+", consumes)) == {event.__name__ for event in consumers()[spec.name]}
    publishes = set(generated.publishers()[spec.name]) - {TaskFailed}  # every service does
    assert set(re.findall(r"\w+", produces)) == {event.__name__ for event in publishes}


@pytest.mark.parametrize("name", ["docs/events.md", "docs/architecture.md"])
def test_links_lead_somewhere(name):
    path = generated.ROOT / name
    text = path.read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors
        elif "://" not in target:
            assert (path.parent / target).exists(), target
