"""PostgreSQL or Kafka stands still: connections stay, and nothing is answered."""

import asyncio
import json
import time
from functools import partial

import pytest

from deploy.native.services import SERVICES
from tests.faults.frozen.freezing import STANDS_STILL_S, Documents, frozen
from tests.journeys.deployment import Deployment
from tests.journeys.person import Person, book, somebody, until

ANSWERED_S = 30.0
"""A gateway says within 25 s that its database does not answer; without bounds it took minutes."""
AT_A_TIME = 20
"""More than there are connections to PostgreSQL."""
HANDED_IN_AT_A_TIME = 3
"""As many as one owner may hand in at a time."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("server", ["postgresql", "kafka"])
async def test_a_server_stands_still(deployment: Deployment, server: str) -> None:
    pid = (deployment.kafka if server == "kafka" else deployment.postgres).process.pid
    documents = Documents(deployment, f"Frozen {server}")
    async with somebody(deployment) as person:
        await documents.begin()
        with frozen(pid):
            began = time.monotonic()
            if server == "kafka":
                await _all_is_taken(person)
            else:
                await _all_is_put_off(person)
            row = {"kafka": "broker", "postgresql": "database"}[server]
            for name in SERVICES:
                await until(partial(_is_told, deployment, name, row), f"{name} to tell of {row}")
            await asyncio.sleep(began + STANDS_STILL_S - time.monotonic())
    await documents.resumed()
    await documents.finish()


async def _all_is_put_off(person: Person) -> None:
    began = time.monotonic()
    reading = [person.api.get("/documents", timeout=600) for _ in range(AT_A_TIME)]
    handing_in = [_hand_in(person, 600) for _ in range(HANDED_IN_AT_A_TIME)]
    answers = await asyncio.gather(*reading, *handing_in)
    assert {answer.status_code for answer in answers} == {503}
    assert all(answer.json()["code"] == "unavailable" for answer in answers)
    assert time.monotonic() - began < ANSWERED_S


async def _all_is_taken(person: Person) -> None:
    """What is decided waits in the outbox."""
    assert (await person.api.get("/documents")).status_code == 200
    assert (await _hand_in(person, 30)).status_code == 202


async def _hand_in(person: Person, timeout_s: float):
    files = {"file": ("m.md", book("Meanwhile", chapters=1))}
    return await person.api.post("/documents", files=files, timeout=timeout_s)


async def _is_told(deployment: Deployment, name: str, row: str) -> bool | None:
    """Whether a service's page says that it is not ready, and for what: nothing else is wrong."""
    status, body = await asyncio.to_thread(deployment.page, name, "/health/ready/")
    failing = {
        check for check, found in json.loads(body)["checks"].items() if found["status"] != "ok"
    }
    return True if (status, failing) == (503, {row}) else None
