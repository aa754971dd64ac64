"""A gateway with two engines, on either kind of database."""

import pytest

from libs.common.contracts.audio import VoiceInfo, VoicesAnnounced
from services.gateway.tests.world import VOICES, a_world

OTHER = VoicesAnnounced(
    engine="other",
    voices=(
        VoiceInfo(id="anna", name="Anna", language="de-AT", gender="female"),
        VoiceInfo(id="joan", name="Joan", language="en-US", gender="female"),
    ),
    default_voice="joan",
    is_default_engine=False,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """An empty PostgreSQL database, or None for a file."""
    sqlite = request.param == "sqlite"
    return None if sqlite else request.getfixturevalue("postgres_database")


@pytest.fixture
async def world(database_url, tmp_path):
    async with a_world(tmp_path, database_url) as world:
        await world.take(VOICES)
        await world.take(OTHER)
        yield world
