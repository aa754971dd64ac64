"""Fixtures for the tests of the gateway and of its API."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from libs.common.testing.loop_watchdog import watched_loops
from services.gateway.tests.world import VOICES, World, a_world


@pytest.fixture(autouse=True)
def nothing_holds_the_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which a request, a handler or a job of the gateway holds the event loop.

    ``@pytest.mark.holds_loop(reason)`` says why one may.
    """
    if request.node.get_closest_marker("holds_loop"):
        yield
        return
    with watched_loops() as watchdog:
        yield
    if watchdog.held:
        pytest.fail("the event loop was held: " + "; ".join(watchdog.held))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway that knows one engine."""
    async with a_world(tmp_path) as world:
        await world.take(VOICES)
        yield world


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The owner's client."""
    async with world.client() as client:
        yield client
