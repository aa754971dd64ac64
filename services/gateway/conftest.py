"""Fixtures for the tests of the gateway and of its API."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.gateway.narrations.budget.tests.days import Clock
from services.gateway.tests.world import VOICES, World, a_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway that knows one engine."""
    async with a_world(tmp_path) as world:
        await world.take(VOICES)
        yield world


@pytest.fixture(params=["sqlite", "postgresql"])
def either_database(request: pytest.FixtureRequest) -> str | None:
    """No address for SQLite, that of an empty database for PostgreSQL."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_database")


@pytest.fixture
async def either_world(either_database: str | None, tmp_path: Path) -> AsyncIterator[World]:
    """A gateway that knows one engine, on either database."""
    async with a_world(tmp_path, either_database) as world:
        await world.take(VOICES)
        yield world


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The owner's client."""
    async with world.client() as client:
        yield client


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which days of the budget begin."""
    return Clock(monkeypatch)
