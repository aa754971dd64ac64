"""A gateway on a real socket with something of everything, and its OpenAPI document in a file."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from libs.common.runtime.http_server import HttpServer
from services.gateway.tests.everything import everything
from services.gateway.tests.world import VOICES, a_world

HERE = Path(__file__).parent
INSTALL_S = 300
KEPT = ("narration_id", "audio_id", "audiobook_id")
"""What a client is told of: the document it finds by itself, and may delete."""


@dataclass(frozen=True, kw_only=True)
class ServedApi:
    """What a client needs to know: where, with which token, and about what."""

    address: str
    token: str
    ids: dict[str, str]
    description: Path


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ServedApi]:
    """The API of a gateway that answers while the test runs."""
    folder = tmp_path / "gateway"
    folder.mkdir()
    generous: dict[str, Any] = {
        "max_requests_per_owner": 1000,
        "max_open_narrations_per_document": 1000,
        "max_audios_per_page": 1000,
    }
    async with a_world(folder, **generous) as world:
        await world.take(VOICES)
        present = await everything(world)
        ids = {name: str(present[name]) for name in KEPT}
        server = HttpServer(world.app, "127.0.0.1", 0)
        await server.start()
        async with world.client() as client:
            described = (await client.get("/openapi.json")).json()
        path = tmp_path / "openapi.json"
        path.write_text(json.dumps(described))
        address = f"http://127.0.0.1:{server.port}"
        try:
            yield ServedApi(address=address, token=world.token, ids=ids, description=path)
        finally:
            await server.stop(1)


@pytest.fixture(scope="session")
def node_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of package.json; where npm is missing, or has no packages, tests are skipped."""
    if shutil.which("npm") is None:
        pytest.skip("npm is missing: it brings the linter and the TypeScript generator")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    found = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_S
    )
    if found.returncode:
        pytest.skip(f"npm has no packages here: {found.stderr.strip()[-200:]}")
    return folder
