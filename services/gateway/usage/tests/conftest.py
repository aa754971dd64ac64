"""A gateway whose owners may have 100 characters spoken a day, on either kind of database."""

import pytest

from services.gateway.tests.world import VOICES, a_world

MOST = 100


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """An empty PostgreSQL database, or None for a file."""
    sqlite = request.param == "sqlite"
    return None if sqlite else request.getfixturevalue("postgres_database")


@pytest.fixture
async def world(database_url, tmp_path):
    most = {"max_characters_per_owner_and_day": MOST, "max_pages_in_flight_per_owner": 2}
    async with a_world(tmp_path, database_url, **most) as world:
        await world.take(VOICES)
        yield world
