"""``lectern rebuild`` and ``lectern events republish`` beside five services, as runbooks say."""

import asyncio
import sys
from typing import Any

import pytest
from sqlalchemy import select

from deploy.native.services import ROOT
from libs.common.testing.processes import run
from services.gateway.tables import READ_MODELS
from tests.journeys.deployment import Deployment
from tests.journeys.evidence import check_nothing_lost_or_doubled, settle
from tests.journeys.person import book, somebody

REBUILD = ("rebuild",)
REPUBLISH = ("events", "republish", "--all")


async def lectern(deployment: Deployment, *command: str) -> str:
    """Run a command as an operator of this deployment does."""
    program = [sys.executable, "-m", "lectern", *command]
    return await asyncio.to_thread(run, program, directory=ROOT, environment=deployment.environment)


async def rows(deployment: Deployment) -> dict[str, list[Any]]:
    """All rows of the read models."""
    database = deployment.database("gateway")
    found = {
        table.name: sorted(map(repr, await database.fetch(select(table)))) for table in READ_MODELS
    }
    await database.close()
    return found


@pytest.mark.timeout(480)
async def test_read_models_and_history_come_anew_while_documents_are_read(
    deployment: Deployment,
) -> None:
    async with somebody(deployment) as person:
        handed_in = [
            await person.submit_file(f"{title}.md", book(title), {"audiobook": "m4b"})
            for title in ("Rebuilt", "Republished")
        ]
        said = await asyncio.gather(lectern(deployment, *REBUILD), lectern(deployment, *REPUBLISH))
        assert "others were kept out for" in said[0]
        assert "republished" in said[1]
        for _, narration in handed_in:
            assert (await person.finished(narration))["state"] == "ready"
        await settle(deployment)
        before = await rows(deployment)
        await lectern(deployment, *REPUBLISH)
        await lectern(deployment, *REBUILD)
        await settle(deployment)
        assert await rows(deployment) == before
    await check_nothing_lost_or_doubled(deployment)
