import asyncio

import pytest
from sqlalchemy import select

from libs.common.errors import Unavailable
from libs.common.store.leases import (
    IS_HELD,
    Lease,
    guard,
    release,
    release_all_leases,
    renew,
    take,
    values_of,
)


async def taken(database, lease_ms=60_000, name="relay"):
    async with database.transaction() as connection:
        return await take(connection, name, lease_ms)


async def test_one_at_a_time_has_a_lease(database):
    first = await taken(database)
    assert first == Lease("relay", 1)
    assert await taken(database) is None
    assert await taken(database, name="rebuild") == Lease("rebuild", 1)


async def test_it_ends_by_itself_and_the_next_holder_has_a_higher_token(database):
    first = await taken(database, lease_ms=1)
    await asyncio.sleep(0.01)
    second = await taken(database)
    assert second == Lease("relay", first.token + 1)


async def test_who_renews_in_time_keeps_it(database):
    lease = await taken(database, lease_ms=1)
    await asyncio.sleep(0.01)
    async with database.transaction() as connection:
        assert await renew(connection, lease, 60_000)  # nobody has taken it yet
    assert await taken(database) is None


async def test_who_was_followed_renews_and_releases_nothing(database):
    first = await taken(database, lease_ms=1)
    await asyncio.sleep(0.01)
    second = await taken(database)
    async with database.transaction() as connection:
        assert not await renew(connection, first, 60_000)
        await release(connection, first)
        assert not await connection.scalar(select(IS_HELD), values_of(first))
        assert await connection.scalar(select(IS_HELD), values_of(second))
        await guard(connection, second)
        with pytest.raises(Unavailable, match="taken over"):
            await guard(connection, first)
    assert await taken(database) is None


async def test_what_is_released_is_free_at_once(database):
    lease = await taken(database)
    async with database.transaction() as connection:
        await release(connection, lease)
    assert await taken(database) == Lease("relay", 2)
    async with database.transaction() as connection:
        await release_all_leases(connection)
    assert await taken(database) == Lease("relay", 3)


async def test_of_many_that_ask_one_gets_it(database):
    found = await asyncio.gather(*(taken(database) for _ in range(8)))
    assert [lease for lease in found if lease] == [Lease("relay", 1)]
