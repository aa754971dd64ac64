"""A gateway in which people can register."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.gateway.accounts.tests.people import KEY, People
from services.gateway.accounts.tests.visitors import Visitors, visiting
from services.gateway.tests.world import a_world


@pytest.fixture
async def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[People]:
    """On SQLite."""
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    async with a_world(tmp_path, sign_up="open") as world:
        yield People(world)


@pytest.fixture
async def people_on_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_database: str
) -> AsyncIterator[People]:
    """On PostgreSQL, where two may write at the same time."""
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    async with a_world(tmp_path, postgres_database, sign_up="open") as world:
        yield People(world)


@pytest.fixture
async def visitors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Visitors]:
    """A gateway in which people can log in with other sites."""
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    async with visiting(tmp_path) as found:
        yield found


@pytest.fixture
async def visitors_on_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_database: str
) -> AsyncIterator[Visitors]:
    """On PostgreSQL, where two may come at the same time."""
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    async with visiting(tmp_path, postgres_database) as found:
        yield found
