"""Requests made of the OpenAPI document find no answer that it does not describe.

By hand with other seeds: ``LECTERN_TEST_SEED=2 python -m pytest tests/api/test_schemathesis.py``.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.conftest import ServedApi

pytestmark = pytest.mark.slow

SEED = os.environ.get("LECTERN_TEST_SEED", "1")
EXAMPLES = "6"
LONGEST_S = 90
ENDLESS = "/events$"
"""What a stream answers never ends; its own tests read it."""
NOT_OF_THE_SCHEMA = "positive_data_acceptance"
"""That what fits the schema is accepted: a cursor that nobody gave, or an unknown voice, is not."""


def settings(ids: dict[str, str]) -> str:
    """The file of settings: ids of what is there."""
    return "\n".join(["[parameters]", *(f"{name} = {json.dumps(ids[name])}" for name in ids), ""])


async def test_no_answer_is_other_than_described(api: ServedApi, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(settings(api.ids))
    command: list[str | Path] = [
        *(Path(sys.executable).with_name("schemathesis"), "run"),
        *(f"{api.address}/api/v1/openapi.json", "--header", f"Authorization: Bearer {api.token}"),
        *("--checks", "all", "--exclude-checks", NOT_OF_THE_SCHEMA),
        *("--exclude-path-regex", ENDLESS, "--max-examples", EXAMPLES, "--seed", SEED),
        *("--request-timeout", "20", "--no-color", "--suppress-health-check", "all"),
    ]
    found = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
    )
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr


def test_it_checks_that_authorization_is_asked_for() -> None:
    """``--checks all`` has it, unless it was renamed."""
    program = Path(sys.executable).with_name("schemathesis")
    said = subprocess.run([program, "run", "--help"], capture_output=True, text=True, check=True)
    assert "ignored_auth" in said.stdout
