"""All services stand still for so long that Kafka and PostgreSQL have given all of them up."""

import asyncio

import pytest

from deploy.native.services import SERVICES
from tests.faults.frozen.freezing import Documents, frozen
from tests.journeys.deployment import Deployment

FROZEN_S = 120.0


@pytest.mark.timeout(600)
async def test_services_without_replicas_go_on_after_two_minutes(deployment: Deployment) -> None:
    """Sessions, leases and transactions have ended meanwhile, and every timer is overdue."""
    documents = Documents(deployment, "Two Minutes")
    await documents.begin()
    with frozen(*(deployment.processes[service].pid for service in SERVICES)):
        await asyncio.sleep(FROZEN_S)
    await documents.resumed()
    await documents.finish()
