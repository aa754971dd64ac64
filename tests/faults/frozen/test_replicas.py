"""A replica freezes in the middle of its work, as its host may, and comes to itself much later."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psutil
import pytest

from deploy.native.services import SERVICES
from tests.faults.holding import held
from tests.journeys.deployment import Deployment
from tests.journeys.evidence import check_nothing_lost_or_doubled
from tests.journeys.person import book, somebody

ORDER = {"audiobook": "m4b", "engine": "openai"}


@contextmanager
def frozen(deployment: Deployment, service: str) -> Iterator[None]:
    """Stop a service and its worker processes where they are, and let them go on at the end."""
    process = psutil.Process(deployment.processes[service].pid)
    everybody = [process, *process.children(recursive=True)]
    for one in everybody:
        one.suspend()
    try:
        yield
    finally:
        for one in everybody:
            one.resume()


@pytest.mark.parametrize("service", SERVICES)
async def test_another_replica_goes_on(deployment: Deployment, service: str) -> None:
    """Locks, partitions, jobs and the relay of a frozen replica become free by themselves."""
    other = f"{service}-2"
    with ExitStack() as freezing:
        async with somebody(deployment) as person:
            async with held(deployment, service) as hold:
                _, narration = await person.submit_file("f.md", book(f"Frozen {service}"), ORDER)
                await hold.wait_for_somebody()
                freezing.enter_context(frozen(deployment, service))
            deployment.start(other)
            await asyncio.to_thread(deployment.wait_until_ready, other)
            if service == "gateway":
                person.api.base_url = httpx.URL(f"{deployment.url(other)}/api/v1")
                # A busy machine may ask again just when a kept connection is closed.
                person.api.headers["Connection"] = "close"
            await person.finished(narration)
    await asyncio.to_thread(deployment.wait_until_ready, service)
    await check_nothing_lost_or_doubled(deployment)
    await asyncio.to_thread(deployment.stop, other)
