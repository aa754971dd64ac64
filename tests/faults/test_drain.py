"""SIGTERM in the middle of work: not ready, finish or give back, exit with 0."""

import asyncio
import json
import time

import pytest

from deploy.native.services import SERVICES
from tests.faults.holding import held
from tests.journeys.deployment import DRAIN_LIMIT_S, Deployment
from tests.journeys.evidence import check_nothing_lost_or_doubled, open_jobs
from tests.journeys.person import book, somebody, until

ORDER = {"audiobook": "m4b", "engine": "openai"}


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_under_way_is_finished(deployment: Deployment, service: str) -> None:
    async with somebody(deployment) as person:
        async with held(deployment, service) as hold:
            _, narration = await person.submit_file("d.md", book(f"Drain {service}"), ORDER)
            await hold.wait_for_somebody()
            deployment.ask_to_stop(service)
            await _not_ready(deployment, service)
        code, _ = await asyncio.to_thread(deployment.stop, service)
        assert code == 0, deployment.log_of(service)[-2000:]
        running = [job for job in await open_jobs(deployment, service) if job[1] == "running"]
        assert running == []
        deployment.start_missing()
        await person.finished(narration)
    await check_nothing_lost_or_doubled(deployment)


@pytest.mark.parametrize("service", ["ingest", "synth", "notifier"])
async def test_what_takes_too_long_is_given_back(deployment: Deployment, service: str) -> None:
    gate = deployment.world.gates[
        {"ingest": "page", "synth": "speech", "notifier": "hook"}[service]
    ]
    path = f"/{service}.html"
    deployment.world.pages[path] = (
        f"<title>Slow {service}</title><p>A page to be read while {service} is to stop."
    )
    async with somebody(deployment) as person:
        await person.finished((await person.submit_file("c.md", b"# A word\n\nOne.", ORDER))[1])
        await check_nothing_lost_or_doubled(deployment)
        with gate.shut():
            _, narration = await person.submit_url(deployment.world.url + path, ORDER)
            await asyncio.to_thread(gate.wait_for_somebody)
            began = time.monotonic()
            deployment.ask_to_stop(service)
            await _not_ready(deployment, service)
            code, _ = await asyncio.to_thread(deployment.stop, service)
            assert code == 0, deployment.log_of(service)[-2000:]
            assert time.monotonic() - began < DRAIN_LIMIT_S
            states = {state for _, state in await open_jobs(deployment, service)}
            assert states == {"ready"}
        deployment.start_missing()
        await person.finished(narration)
    await check_nothing_lost_or_doubled(deployment)


async def _not_ready(deployment: Deployment, service: str) -> None:
    async def look() -> bool | None:
        status, body = deployment.page(service, "/health/ready/")
        assert status, "the health pages must answer while the service drains"
        return True if status == 503 and json.loads(body)["status"] == "not_ready" else None

    await until(look, f"{service} to be not ready", 10)
