import asyncio
from collections import Counter

from sqlalchemy import select

from libs.common.store.jobs.queues import count
from libs.common.store.tables import job_queues


async def change(database, **changes):
    async with database.transaction() as connection:
        await count(connection, Counter({("k", owner): by for owner, by in changes.items()}))


async def counted(database):
    found = await database.fetch(select(job_queues.c.owner, job_queues.c.ready))
    return dict(map(tuple, found))


async def test_queues_count_up_and_down_and_go_when_empty(database):
    await change(database, a=2, b=1)
    await change(database, a=-1, b=-1, c=0)
    assert await counted(database) == {"a": 1}


async def test_a_new_queue_is_last_in_the_line_of_its_kind(database):
    await change(database, b=1)
    await change(database, a=1)
    await change(database, b=1)
    async with database.transaction() as connection:
        await count(connection, {("other", "z"): 1})
    line = select(job_queues.c.owner, job_queues.c.turn).order_by(job_queues.c.kind, "turn")
    assert [tuple(row) for row in await database.fetch(line)] == [("b", 1), ("a", 2), ("z", 1)]


async def test_changes_of_many_queues_at_a_time_do_not_wait_for_each_other(database):
    owners = [f"o{n}" for n in range(20)]

    async def writer(order):
        for _ in range(10):
            await change(database, **dict.fromkeys(order, 1))

    async with asyncio.timeout(60):
        await asyncio.gather(*(writer(order) for order in (owners, owners[::-1]) * 2))
    assert await counted(database) == dict.fromkeys(owners, 40)
