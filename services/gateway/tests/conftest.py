import pytest

from services.gateway.tests.world import VOICES, a_world


@pytest.fixture
async def world(tmp_path):
    """A gateway that knows one engine."""
    async with a_world(tmp_path) as world:
        await world.take(VOICES)
        yield world


@pytest.fixture
async def client(world):
    """The owner's browser."""
    async with world.client() as client:
        yield client
