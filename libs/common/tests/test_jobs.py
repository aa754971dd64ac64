import asyncio

import pytest
from pydantic import BaseModel
from sqlalchemy import select, update

from libs.common import jobs
from libs.common.effects import apply
from libs.common.jobs import CancelJobs, NewJob, cancel, claim, counts
from libs.common.tables import jobs as table
from libs.common.tables import now_ms


class Payload(BaseModel):
    n: int


LEASE_MS = 30_000


async def add(database, n, **options):
    async with database.transaction() as connection:
        job = NewJob("k", Payload(n=n), **{"subject": f"s{n}", **options})
        await apply(connection, [job], "trace")


async def take(database, kinds=("k",), lease_ms=LEASE_MS):
    async with database.transaction() as connection:
        claimed = await claim(connection, list(kinds), lease_ms)
    return claimed[0] if claimed else None


async def number(held):
    return Payload.model_validate_json(held.payload).n


async def test_a_job_is_claimed_once(database):
    await add(database, 1)
    held = await take(database)
    assert held is not None
    assert (held.attempts, held.traceparent, await number(held)) == (1, "trace", 1)
    assert await take(database) is None


async def test_other_kinds_are_left_alone(database):
    await add(database, 1)
    assert await take(database, kinds=["other"]) is None


async def test_owners_take_turns(database):
    for n in range(4):
        await add(database, n, owner="busy")
    await add(database, 100, owner="small")
    order = [await number(await take(database)) for _ in range(5)]
    assert order == [0, 100, 1, 2, 3]


async def test_an_owner_who_comes_late_does_not_overtake_for_ever(database):
    for n in range(3):
        await add(database, n, owner="first")
    await take(database)
    await take(database)
    for n in range(10, 13):
        await add(database, n, owner="late")
    order = [await number(await take(database)) for _ in range(4)]
    assert order == [2, 10, 11, 12]


async def test_a_job_that_is_due_later_does_not_hold_the_turns_up(database):
    await add(database, 99, owner="later", delay_ms=60_000)
    for n in range(6):
        await add(database, n, owner="first")
    for _ in range(4):
        await take(database)
    for n in range(10, 13):
        await add(database, n, owner="late")
    order = [await number(await take(database)) for _ in range(5)]
    assert order == [4, 10, 5, 11, 12]


async def test_who_comes_while_all_work_is_under_way_does_not_overtake_either(database):
    for n in range(4):
        await add(database, n, owner="first")
        await take(database)
    for n in range(10, 13):
        await add(database, n, owner="late")
    await add(database, 4, owner="first")
    order = [await number(await take(database)) for _ in range(4)]
    assert order == [10, 11, 4, 12]


async def test_priority_goes_before_turns(database):
    await add(database, 1)
    await add(database, 2, priority=1)
    assert await number(await take(database)) == 2


async def test_a_delayed_job_waits(database):
    await add(database, 1, delay_ms=60_000)
    assert await take(database) is None


async def test_an_expired_lease_is_taken_over_and_the_zombie_is_fenced(database):
    await add(database, 1)
    zombie = await take(database)
    async with database.transaction() as connection:
        await connection.execute(update(table).values(lease_until_ms=now_ms() - 1))
    heir = await take(database)
    assert heir.attempts == 2
    async with database.transaction() as connection:
        assert not await jobs.finish(connection, zombie)
        assert not await jobs.renew(connection, zombie, LEASE_MS)
        assert await jobs.finish(connection, heir)


async def test_cancelling_takes_the_lease_away(database):
    await add(database, 1, subject="document/audio")
    await add(database, 2, subject="documentary")
    held = await take(database)
    async with database.transaction() as connection:
        await cancel(connection, CancelJobs("document"))
        assert not await jobs.finish(connection, held)
    assert await number(await take(database)) == 2


async def test_a_job_given_back_has_lost_no_attempt(database):
    await add(database, 1)
    held = await take(database)
    async with database.transaction() as connection:
        assert await jobs.give_back(connection, held)
    assert (await take(database)).attempts == 1


async def test_retry_and_fail(database):
    await add(database, 1)
    held = await take(database)
    async with database.transaction() as connection:
        assert await jobs.retry(connection, held, 0, "Unavailable")
    held = await take(database)
    async with database.transaction() as connection:
        assert await jobs.fail(connection, held, "Unavailable")
        assert await counts(connection) == {"ready": 0, "running": 0}
        row = (await connection.execute(select(table))).one()
    assert (row.status, row.last_error, row.attempts) == ("failed", "Unavailable", 2)


async def test_many_workers_share_without_doubling(database):
    for n in range(20):
        await add(database, n)

    async def worker():
        mine = []
        while held := await take(database):
            mine.append(await number(held))
            async with database.transaction() as connection:
                assert await jobs.finish(connection, held)
        return mine

    done = [n for mine in await asyncio.gather(*(worker() for _ in range(4))) for n in mine]
    assert sorted(done) == list(range(20))


@pytest.mark.parametrize("subject", ["a%", "a_"])
async def test_subjects_are_no_patterns(database, subject):
    await add(database, 1, subject="abc/1")
    async with database.transaction() as connection:
        await cancel(connection, CancelJobs(subject))
    assert await take(database) is not None


async def test_several_are_claimed_at_once_in_the_order_in_which_they_are_due(database):
    for n in range(5):
        await add(database, n, owner="busy")
    await add(database, 100, owner="small", priority=1)
    async with database.transaction() as connection:
        claimed = await claim(connection, ["k"], LEASE_MS, 3)
    assert [await number(each) for each in claimed] == [100, 0, 1]
    async with database.transaction() as connection:
        assert len(await claim(connection, ["k"], LEASE_MS, 9)) == 3
        assert await claim(connection, ["k"], LEASE_MS, 9) == []


async def test_claims_of_several_at_a_time_never_share_a_job(database):
    for n in range(30):
        await add(database, n)

    async def some():
        async with database.transaction() as connection:
            return [await number(each) for each in await claim(connection, ["k"], LEASE_MS, 4)]

    found = [n for batch in await asyncio.gather(*(some() for _ in range(9))) for n in batch]
    assert sorted(found) == list(range(30))
