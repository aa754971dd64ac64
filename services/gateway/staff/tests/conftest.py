"""A gateway in which people register, on either kind of database, and one of them is staff."""

import pytest

from services.gateway.accounts.tests.people import KEY, People
from services.gateway.tests.everything import account
from services.gateway.tests.world import a_world


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """An empty PostgreSQL database, or None for a file."""
    sqlite = request.param == "sqlite"
    return None if sqlite else request.getfixturevalue("postgres_database")


@pytest.fixture
async def people(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    async with a_world(tmp_path, database_url, sign_up="open") as world:
        await account(world, world.owner, "Root@example.org", is_staff=True)
        yield People(world)


@pytest.fixture
async def staff(people):
    """The client of the one who is staff."""
    async with people.world.client() as client:
        yield client
