import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from libs.common.testing.fixtures import first_of
from libs.common.testing.processes import ServerFailed, ServerMissing
from libs.common.testing.report import RAN_AGAINST

ROOT = Path(__file__).parents[4]


class Config:
    """What the fixtures use of pytest's own."""

    def __init__(self) -> None:
        self.stash = pytest.Stash()


def missing(_stack: ExitStack) -> tuple[str, str]:
    raise ServerMissing("no java on the PATH")


def broken(_stack: ExitStack) -> tuple[str, str]:
    raise ServerFailed("mvn exited with 1")


def present(_stack: ExitStack) -> tuple[str, str]:
    return "kafka.test:9092", "Kafka at kafka.test:9092"


def found(config: Any, *starters: Any) -> Any:
    with ExitStack() as stack:
        return first_of(config, stack, *starters)


def test_the_first_server_that_can_be_had_is_taken_and_noted() -> None:
    config = Config()
    assert found(config, missing, broken, present, broken) == "kafka.test:9092"
    assert config.stash[RAN_AGAINST] == ["Kafka at kafka.test:9092"]


def test_where_none_can_be_had_the_test_is_skipped_for_the_last_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="mvn exited with 1"):
        found(Config(), missing, broken)


def test_in_ci_a_missing_server_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI must not skip: no java on the PATH"):
        found(Config(), broken, missing)


def test_a_run_ends_with_what_it_ran_against_and_what_it_skipped(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "pytest_plugins = ['libs.common.testing.report', 'libs.common.testing.fixtures']\n"
    )
    (tmp_path / "test_kafka.py").write_text(
        "import pytest\n"
        "def test_address(kafka_bootstrap):\n    assert kafka_bootstrap == 'kafka.test:9092'\n"
        "def test_skipped():\n    pytest.skip('no moon tonight')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:asyncio"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LECTERN_TEST_KAFKA": "kafka.test:9092"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 1 skipped" in done.stdout
    assert "ran against: Kafka at kafka.test:9092\n" in done.stdout
    assert "skipped 1: no moon tonight\n" in done.stdout
