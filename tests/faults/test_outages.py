"""Kafka or PostgreSQL is away: at the start, and in the middle of work."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import text

from deploy.native.services import SERVICES
from tests.faults.holding import held
from tests.journeys.deployment import Deployment
from tests.journeys.evidence import check_nothing_lost_or_doubled
from tests.journeys.person import book, somebody, until

ORDER = {"audiobook": "m4b", "engine": "openai"}
AWAY_S = 4.0


async def test_services_stop_and_start_while_everything_is_away(deployment: Deployment) -> None:
    gate = deployment.world.gates["speech"]
    async with somebody(deployment) as person:
        with gate.shut():
            _, narration = await person.submit_file("o.md", book("Under Way"), ORDER)
            await asyncio.to_thread(gate.wait_for_somebody)
            await asyncio.to_thread(deployment.kafka.stop)
        _, other = await person.submit_file("p.md", book("Not Sent"), ORDER)
        codes = await asyncio.to_thread(deployment.stop_all)
        assert set(codes.values()) == {0}, codes
        deployment.wire.cut()
        deployment.start(*SERVICES)
        for name in SERVICES:
            await until(partial(_alive, deployment, name), f"{name} to be alive")
            assert not deployment.is_ready(name)
            checks = deployment.checks(name)
            found = checks["database"], checks["broker"], checks["storage"]
            assert found == ("error", "error", "ok")
        deployment.wire.mend()
        for name in SERVICES:
            await until(partial(_sees_its_database, deployment, name), f"{name}'s database")
            assert not deployment.is_ready(name)
        await asyncio.to_thread(deployment.kafka.start)
        await asyncio.to_thread(deployment.wait_until_ready, *SERVICES)
        await person.finished(narration)
        await person.finished(other)
    await check_nothing_lost_or_doubled(deployment)


async def test_kafka_is_away_for_a_while(deployment: Deployment) -> None:
    gate = deployment.world.gates["speech"]
    async with somebody(deployment) as person:
        with gate.shut():
            _, narration = await person.submit_file("o.md", book("Without Kafka"), ORDER)
            await asyncio.to_thread(gate.wait_for_somebody)
            await asyncio.to_thread(deployment.kafka.stop)
        _, other = await person.submit_file("p.md", book("Taken in Meanwhile"), ORDER)
        await asyncio.sleep(AWAY_S)
        assert not any(map(deployment.is_ready, SERVICES))
        await asyncio.to_thread(deployment.kafka.start)
        await person.finished(narration)
        await person.finished(other)
    await check_nothing_lost_or_doubled(deployment)
    await asyncio.to_thread(deployment.wait_until_ready, *SERVICES)


async def test_postgresql_is_away_for_a_while(deployment: Deployment) -> None:
    gate = deployment.world.gates["speech"]
    async with somebody(deployment) as person:
        with gate.shut():
            _, narration = await person.submit_file("o.md", book("Without PostgreSQL"), ORDER)
            await asyncio.to_thread(gate.wait_for_somebody)
            deployment.wire.cut()
        await asyncio.sleep(AWAY_S)
        assert not any(map(deployment.is_ready, SERVICES))
        deployment.wire.mend()
        await asyncio.to_thread(deployment.wait_until_ready, *SERVICES)
        await person.finished(narration)
    await check_nothing_lost_or_doubled(deployment)


@pytest.mark.parametrize("service", SERVICES)
async def test_postgresql_ends_every_session(deployment: Deployment, service: str) -> None:
    """As an administrator's restart does, while a transaction is open."""
    async with somebody(deployment) as person:
        async with held(deployment, service) as hold:
            _, narration = await person.submit_file("o.md", book(f"Ended {service}"), ORDER)
            await hold.wait_for_somebody()
            async with hold.database.reading() as connection:
                await connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND client_port <> -1 "
                        "AND pid NOT IN (pg_backend_pid(), :ours)"
                    ),
                    {"ours": hold.pid},
                )
        await person.finished(narration)
        await asyncio.to_thread(deployment.wait_until_ready, service)
    await check_nothing_lost_or_doubled(deployment)


async def _alive(deployment: Deployment, name: str) -> bool | None:
    return True if deployment.page(name, "/health/live/")[0] == 200 else None


async def _sees_its_database(deployment: Deployment, name: str) -> bool | None:
    return True if deployment.checks(name).get("database") == "ok" else None
