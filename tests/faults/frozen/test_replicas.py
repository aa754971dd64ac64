"""A replica freezes in the middle of its work, as its host may, and comes to itself much later."""

import asyncio
import time
from contextlib import ExitStack, suppress
from functools import partial
from typing import Literal

import httpx
import pytest

from deploy.native.services import SERVICES
from tests.faults.frozen.freezing import AT_LOAD, ORDER, RESUMED_S, Documents, frozen
from tests.faults.holding import held
from tests.journeys.deployment import Deployment
from tests.journeys.person import Person, book, somebody, until

Role = Literal["all", "http", "work"]
SUBMITTED = ("document.submitted", 1)


@pytest.mark.parametrize("service", SERVICES)
async def test_another_replica_goes_on(deployment: Deployment, service: str) -> None:
    """Locks, partitions, jobs and the relay of a frozen replica become free by themselves."""
    await _freeze_and_wake(deployment, service, service, role="all")


async def test_another_one_does_the_work_of_the_gateway(deployment: Deployment) -> None:
    await asyncio.to_thread(_apart, deployment)
    await _freeze_and_wake(deployment, "gateway", "gateway-work", role="work")


async def test_another_one_answers_for_the_gateway(deployment: Deployment) -> None:
    """Somebody who was not answered asks again, and waits for no lock of the frozen one."""
    await asyncio.to_thread(_apart, deployment)
    documents = Documents(deployment, "Answered Again", "gateway-http")
    await documents.before()
    async with somebody(deployment, "gateway-http") as person:
        with ExitStack() as freezing:
            async with held(deployment, "gateway", SUBMITTED) as hold:
                asking = asyncio.create_task(person.submit_file("f.md", book("Not Answered")))
                await hold.wait_for_somebody()
                pid = deployment.processes["gateway-http"].pid
                freezing.enter_context(frozen(pid))
            await _start(deployment, "gateway-http-2", "http")
            person.api.base_url = _api(deployment, "gateway-http-2")
            began = time.monotonic()
            _, narration = await person.submit_file("f.md", book("Answered"), ORDER)
            await person.finished(narration)
            assert time.monotonic() - began < RESUMED_S + AT_LOAD * documents.quiet_s
        with suppress(httpx.HTTPError, AssertionError):
            await asking  # whatever it is told: it was told late
    await _stop(deployment, "gateway-http-2")
    await _works(documents, "gateway-http")


async def _freeze_and_wake(deployment: Deployment, service: str, name: str, *, role: Role) -> None:
    """Freeze ``name`` in the middle of its work; another one goes on, and then it alone does."""
    other = f"{name}-2"
    answering = "gateway" if role == "all" else "gateway-http"
    documents = Documents(deployment, f"Back {name}", answering)
    await documents.before()
    with ExitStack() as freezing:
        async with somebody(deployment, answering) as person:
            async with held(deployment, service) as hold:
                _, narration = await person.submit_file("f.md", book(f"Frozen {name}"), ORDER)
                await hold.wait_for_somebody()
                freezing.enter_context(frozen(deployment.processes[name].pid))
            await _start(deployment, other, role)
            if name == answering:
                person.api.base_url = _api(deployment, other)
            most_s = RESUMED_S + AT_LOAD * documents.quiet_s
            await until(partial(_ready, person, narration), "the narration to be ready", most_s)
    await asyncio.to_thread(deployment.wait_until_ready, name)
    await _stop(deployment, other)
    await _works(documents, answering)


async def _works(documents: Documents, answering: str) -> None:
    """Check that those who were frozen are back, with none beside them, and that all is well."""
    documents.answering = answering
    await documents.resumed()
    await documents.finish()


async def _ready(person: Person, narration: str) -> bool | None:
    return True if (await person.narration(narration))["state"] == "ready" else None


def _apart(deployment: Deployment) -> None:
    """Have a process for answers and one for work in place of the gateway that does both."""
    deployment.stop("gateway")
    deployment.start("gateway-http", role="http")
    deployment.start("gateway-work", role="work")
    deployment.wait_until_ready("gateway-http", "gateway-work")


async def _start(deployment: Deployment, name: str, role: Role) -> None:
    deployment.start(name, role=role)
    await asyncio.to_thread(deployment.wait_until_ready, name)


async def _stop(deployment: Deployment, name: str) -> None:
    code, _ = await asyncio.to_thread(deployment.stop, name)
    assert code == 0, deployment.log_of(name)[-2000:]


def _api(deployment: Deployment, name: str) -> httpx.URL:
    return httpx.URL(f"{deployment.url(name)}/api/v1")
