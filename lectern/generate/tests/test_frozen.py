"""The promise that version 1 stays: each way to change it is tried on a copy, and refused."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lectern.generate import frozen
from lectern.generate.promises import Promise, every_promise
from lectern.generate.schema_compat import wire_schema

ROOT = Path(__file__).parents[3]
SCHEMA = "docs/events/schemas/audio.ready.v1.json"
SAMPLE = "docs/events/golden/audio.ready/v1.json"
KEPT = "docs/events/frozen/audio.ready.v1.json"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "docs/events", tmp_path / "docs/events")
    return tmp_path


def change(path: Path, how: Callable[[Any], object]) -> None:
    document = json.loads(path.read_text())
    how(document)
    path.write_text(json.dumps(document))


def promise(name: str) -> Promise:
    (found,) = [one for one in every_promise() if one.name == name]
    return found


def test_the_tree_keeps_its_promises():
    assert frozen.broken_promises(ROOT) == []
    assert frozen.unfrozen(ROOT) == []


@pytest.mark.parametrize(
    ("path", "how", "told"),
    [
        (KEPT, lambda kept: kept.pop("sample"), f"{KEPT} was changed: bring it back as it was"),
        (KEPT, None, f"{KEPT} was removed: bring it back"),
        (
            frozen.INDEX,
            lambda index: index.pop("audio.ready.v1"),
            f"{KEPT} is not in docs/events/digests.json: bring its digest back",
        ),
        (
            SCHEMA,
            lambda schema: schema["properties"].pop("page"),
            f"{SCHEMA} was released: page: removed",
        ),
        (
            SAMPLE,
            lambda sample: sample["value"].update(page=2),
            f"{SAMPLE} was released: it may be added to, not changed",
        ),
        (
            SAMPLE,
            lambda sample: sample["headers"].pop("ce_stream"),
            f"{SAMPLE} was released: it may be added to, not changed",
        ),
        (
            SAMPLE,
            lambda sample: sample["value"]["renditions"].pop(),
            f"{SAMPLE} was released: it may be added to, not changed",
        ),
        (SAMPLE, None, f"{SAMPLE} is missing: bring it back"),
    ],
    ids=[
        *("frozen changed", "frozen removed", "entry removed", "schema changed", "sample changed"),
        *("header removed", "list cut", "sample removed"),
    ],
)
def test_what_was_released_cannot_be_changed_or_removed(tree, path, how, told):
    if how is None:
        (tree / path).unlink()
    else:
        change(tree / path, how)
    assert frozen.broken_promises(tree) == [told]


def test_a_class_cannot_leave_its_version(tree, monkeypatch):
    changed = wire_schema(promise("PageText").kind)
    changed["properties"]["markdown"] = {"type": "integer"}
    real = wire_schema

    def at_hand(kind: Any) -> Any:
        return changed if kind.__name__ == "PageText" else real(kind)

    monkeypatch.setattr(frozen, "wire_schema", at_hand)
    promise("PageText").schema_path(tree).write_text(json.dumps(changed))
    told = frozen.broken_promises(tree)
    assert told[0].startswith("PageText v1 was released: markdown: type changed from string to int")
    assert told[1].startswith("docs/events/details/schemas/PageText.v1.json was released: markdown")


def test_a_class_cannot_go(tree, monkeypatch):
    rest = [one for one in every_promise() if one.name != "audio.ready"]
    monkeypatch.setattr(frozen, "every_promise", lambda: rest)
    assert frozen.broken_promises(tree) == [
        "audio.ready.v1 was released and has no class any more: bring it back"
    ]


def test_an_optional_field_may_be_added(tree):
    field = {"type": "string", "default": ""}
    change(tree / SCHEMA, lambda schema: schema["properties"].update(mood=field))
    change(tree / SAMPLE, lambda sample: sample["value"].update(mood="calm"))
    assert frozen.broken_promises(tree) == []
    assert frozen.freeze(tree) == []  # what is frozen is not written again


def test_a_new_version_has_to_be_frozen_and_the_old_one_stays(tree, monkeypatch):
    second = replace(promise("audio.ready"), version=2)
    others = [one for one in every_promise() if one.name != "audio.ready"]
    monkeypatch.setattr(frozen, "every_promise", lambda: [*others, second])
    monkeypatch.setattr(frozen, "incompatibilities", lambda old, new: [])  # the class is at 1
    assert frozen.unfrozen(tree) == [f"audio.ready v2 is not frozen: {frozen.FREEZE}"]
    before = frozen.read_index(tree)
    for path in (second.schema_path(tree), second.sample_path(tree)):
        shutil.copy(path.with_name(path.name.replace("v2", "v1")), path)
    assert frozen.freeze(tree) == ["audio.ready.v2"]
    after = dict(frozen.read_index(tree))
    del after["audio.ready.v2"]
    assert after == before
    assert frozen.unfrozen(tree) == []
    (tree / SCHEMA).unlink()
    assert frozen.broken_promises(tree) == [f"{SCHEMA} is missing: bring it back"]


def test_what_lacks_a_sample_is_not_frozen(tree):
    shutil.rmtree(tree / "docs/events/frozen")
    (tree / frozen.INDEX).unlink()
    (tree / SAMPLE).unlink()
    with pytest.raises(FileNotFoundError, match=r"audio\.ready"):
        frozen.freeze(tree)


@pytest.mark.parametrize("branch", ["origin/main", "main"])
def test_nothing_that_was_merged_is_frozen_anew(branch):
    """Whoever removes an entry along with its file could freeze something else in its place."""
    shown = subprocess.run(
        ["git", "show", f"{branch}:{frozen.INDEX}"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if shown.returncode:
        pytest.skip(f"{branch} is not here, or nothing is frozen there")
    merged, index = json.loads(shown.stdout), frozen.read_index(ROOT)
    replaced = [name for name, digest in merged.items() if index.get(name) != digest]
    assert not replaced, f"bring {frozen.FOLDER} back as it is on {branch}: {replaced}"
