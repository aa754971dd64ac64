"""A linter finds nothing in the OpenAPI document; its rules are in spectral.yaml."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.api.conftest import HERE, ServedApi

pytestmark = pytest.mark.slow


async def test_the_linter_finds_nothing(api: ServedApi, node_programs: Path) -> None:
    command: list[str | Path] = [
        node_programs / "node_modules/.bin/spectral",
        *("lint", api.description, "--ruleset", HERE / "spectral.yaml"),
        *("--fail-severity", "hint"),
    ]
    found = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
