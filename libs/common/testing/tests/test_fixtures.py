import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from libs.common.testing.fixtures import FAST, server
from libs.common.testing.processes import ServerMissing
from libs.common.testing.report import RAN_AGAINST

ROOT = Path(__file__).parents[4]
CONFTEST = """pytest_plugins = [
    "libs.common.testing.selection",
    "libs.common.testing.report",
    "libs.common.testing.parallel",
    "libs.common.testing.fixtures",
]
"""


class Config:
    """What the fixtures use of pytest's own."""

    def __init__(self, *, fast: bool = False) -> None:
        self.stash = pytest.Stash()
        self._fast = fast

    def getoption(self, name: str, default: bool) -> bool:
        return self._fast


class OneServer:
    """Knows Kafka, and has no Java."""

    def get(self, name: str) -> tuple[Any, str]:
        if name != "kafka":
            raise ServerMissing("no java on the PATH")
        return "kafka.test:9092", "Kafka at kafka.test:9092"


def found(name: str, config: Any) -> Any:
    return server(name, OneServer(), config)


def test_a_server_is_noted() -> None:
    config = Config()
    assert found("kafka", config) == "kafka.test:9092"
    assert config.stash[RAN_AGAINST] == ["Kafka at kafka.test:9092"]


def test_where_none_can_be_had_the_test_is_skipped_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no java on the PATH"):
        found("other", Config())


def test_in_ci_a_missing_server_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI must not skip: no java on the PATH"):
        found("other", Config())


def test_a_fast_run_looks_for_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.skip.Exception, match=FAST):
        found("kafka", Config(fast=True))


SERVER = "ran against: Kafka at kafka.test:9092\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "option", "counted", "said"),
    [
        ("-n0", "-q", "2 passed, 1 skipped", [SERVER]),
        ("-n2", "-q", "2 passed, 1 skipped", [SERVER]),
        ("-n2", "--fast", "2 skipped", ["ran against: no server\n", "left out 1: they need", FAST]),
    ],
)
def test_a_run_ends_with_what_it_ran_against_and_what_it_skipped(
    tmp_path: Path, workers: str, option: str, counted: str, said: list[str]
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_kafka.py").write_text(
        "def test_address(kafka_bootstrap):\n    assert kafka_bootstrap == 'kafka.test:9092'\n"
    )
    (tmp_path / "test_other.py").write_text(
        "import pytest\n"
        "def test_skipped():\n    pytest.skip('no moon tonight')\n"
        "def test_asks_late(request):\n    request.getfixturevalue('kafka_bootstrap')\n"
    )
    # A folder of its own: the folders of older runs, which pytest clears away, are this run's too.
    options = ["-p", "no:asyncio", f"--basetemp={tmp_path / 'runs'}", workers, option]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LECTERN_TEST_KAFKA": "kafka.test:9092"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert counted in done.stdout, done.stdout + done.stderr
    for line in ["skipped 1: no moon tonight\n", *said]:
        assert line in done.stdout
