import asyncio
from contextlib import asynccontextmanager

import pytest

from libs.common.errors import Unavailable
from libs.common.store import leading as leading_module
from libs.common.store.leading import leading
from libs.common.store.leases import release, take

EVENTUALLY_S = 20.0


async def take_it(database):
    async with database.transaction() as connection:
        return await take(connection, "relay", 60_000)


async def test_it_leads_while_the_block_runs_and_then_others_do(database):
    async with leading(database, "relay", 60_000) as leader:
        leader.check()
        assert await take_it(database) is None
    assert (await take_it(database)).token == leader.lease.token + 1


@pytest.mark.slow
async def test_it_is_renewed_for_as_long_as_the_block_runs(database):
    async with leading(database, "relay", 300) as leader:
        await asyncio.sleep(0.9)
        leader.check()
        assert await take_it(database) is None


@pytest.mark.slow
async def test_the_next_one_leads_when_the_first_is_silent(database, monkeypatch):
    """Nothing is renewed, as by a process that is frozen."""

    async def frozen(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(leading_module, "_keep", frozen)
    async with leading(database, "relay", 300) as first:
        async with asyncio.timeout(EVENTUALLY_S), leading(database, "relay", 60_000) as second:
            assert second.lease.token == first.lease.token + 1
            with pytest.raises(Unavailable, match="lost"):
                first.check()
        second.check()


@pytest.mark.slow
async def test_it_learns_that_it_was_followed(database):
    async with leading(database, "relay", 300) as leader:
        async with database.transaction() as connection:
            await release(connection, leader.lease)
            assert await take(connection, "relay", 60_000)
        async with asyncio.timeout(EVENTUALLY_S):
            while leader.leads:
                await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_without_the_database_it_stops_to_lead(database, monkeypatch):
    async with leading(database, "relay", 300) as leader:

        @asynccontextmanager
        async def away(_):
            raise Unavailable("gone")
            yield

        monkeypatch.setattr(leading_module, "single_statements", away)
        async with asyncio.timeout(EVENTUALLY_S):
            while leader.leads:
                await asyncio.sleep(0.01)
