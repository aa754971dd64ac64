"""Clients that are generated of the OpenAPI document work: one in Python, one in TypeScript."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import HERE, ServedApi

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
TYPESCRIPT = ("--strict", "--module", "nodenext", "--target", "es2022", "--skipLibCheck")


async def said(*command: Any, cwd: Path, **environment: str) -> str:
    """What a program prints; it has to succeed."""
    found = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-8000:]
    return str(found.stdout)


async def told(*command: Any, cwd: Path, **environment: str) -> Mapping[str, Any]:
    """The facts that a program prints."""
    facts: Mapping[str, Any] = json.loads(await said(*command, cwd=cwd, **environment))
    return facts


async def test_a_client_in_python_works(api: ServedApi, tmp_path: Path) -> None:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    generated = await said(
        *(BIN / "openapi-python-client", "generate", "--meta", "none"),
        *("--path", api.description, "--config", HERE / "python_client.yaml"),
        *("--output-path", tmp_path / "lectern_client", "--fail-on-warning"),
        cwd=tmp_path,
        PATH=path,
    )
    assert "error" not in generated.lower()
    program = (sys.executable, HERE / "client.py", api.address, api.token, api.ids["audio_id"])
    facts = await told(*program, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert facts == {
        "title": "From Python",
        "year": True,
        "named": "raw.txt",
        "listed": 2,
        "problem": "not_found",
        "bytes": 10,
    }


async def test_a_client_in_typescript_works(api: ServedApi, node_programs: Path) -> None:
    programs = node_programs / "node_modules/.bin"
    shutil.copy(HERE / "client.ts", node_programs / "client.mts")
    # Else it takes what has a default for required, also where it is sent.
    options = ("--default-non-nullable", "false", "-o", "api.d.ts")
    await said(programs / "openapi-typescript", api.description, *options, cwd=node_programs)
    await said(programs / "tsc", *TYPESCRIPT, "client.mts", cwd=node_programs)
    facts = await told("node", "client.mjs", api.address, api.token, cwd=node_programs)
    assert facts == {
        "title": "From TypeScript",
        "narrated": True,
        "year": True,
        "listed": 1,
        "problem": "not_found",
    }
