"""A gateway on a real socket with something of everything, and its OpenAPI document in a file."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.runtime.http_server import HttpServer
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, World, a_world

HERE = Path(__file__).parent
INSTALL_S = 300


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
        ids = await everything(world)
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


async def everything(world: World) -> dict[str, str]:
    """A document that was read and narrated, as one file too."""
    document = await world.hand_in()
    await world.read(document, 2)
    narration = await world.narrations.narrate(
        world.owner, document, NarrationOptions(audiobook="m4b")
    )
    await world.speak_everything()
    (book,) = await world.decided(AudiobookRequested)
    stored = await world.storage.write(f"audio/{document}/books/{book.audiobook_id}.m4b", b"book")
    await world.bind(book, object=stored)
    return {
        "narration_id": str(narration),
        "audio_id": str((await world.decided(AudioRequested))[0].audio_id),
        "audiobook_id": str(book.audiobook_id),
    }


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
