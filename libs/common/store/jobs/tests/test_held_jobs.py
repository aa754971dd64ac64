from libs.common.store.jobs import held_jobs
from libs.common.store.jobs.tests.recorded import (
    LEASE_MS,
    add,
    ahead_ms,
    expire,
    number,
    numbers,
    queues,
    rows,
    set_all,
    take,
)


async def change(database, what, *values):
    async with database.transaction() as connection:
        return await what(connection, *values)


async def test_an_expired_lease_is_taken_over_and_the_zombie_is_fenced(database):
    await add(database, 1)
    zombie = await take(database)
    await expire(database)
    heir = await take(database)
    assert not await change(database, held_jobs.end, zombie)
    assert not await change(database, held_jobs.renew, zombie, LEASE_MS)
    assert not await change(database, held_jobs.retry, zombie, 0, "x")
    assert not await change(database, held_jobs.give_back, zombie)
    assert await queues(database) == {}
    assert await change(database, held_jobs.end, heir)


async def test_a_lease_is_renewed_from_now(database):
    await add(database, 1)
    held = await take(database, lease_ms=60_000)
    assert await change(database, held_jobs.renew, held, 120_000)
    assert 90_000 < await ahead_ms(database, "lease_until_ms") <= 120_000


async def test_progress_renews_the_lease_and_forgives_crashes(database):
    await add(database, 1)
    held = await take(database)
    await set_all(database, crashes=2)
    assert await change(database, held_jobs.renew, held, LEASE_MS)
    assert [row.crashes for row in await rows(database)] == [2]
    assert await change(database, held_jobs.progress, held, 120_000)
    assert [row.crashes for row in await rows(database)] == [0]
    assert 90_000 < await ahead_ms(database, "lease_until_ms") <= 120_000


async def test_a_job_that_is_over_leaves_the_table(database):
    await add(database, 1)
    held = await take(database)
    assert await change(database, held_jobs.end, held)
    assert not await change(database, held_jobs.end, held)
    assert await rows(database) == []


async def test_a_job_given_back_is_ready_and_has_lost_no_attempt(database):
    await add(database, 1, owner="o")
    held = await take(database)
    assert await change(database, held_jobs.give_back, held)
    [row] = await rows(database)
    assert (row.status, row.attempts, row.lease_until_ms) == ("ready", 0, None)
    assert await queues(database) == {"o": 1}
    assert (await take(database)).attempts == 1


async def test_a_suspect_given_back_is_suspected_still(database):
    await add(database, 1)
    held = await take(database)
    await set_all(database, crashes=2)
    assert await change(database, held_jobs.give_back, held)
    assert [row.status for row in await rows(database)] == ["suspect"]
    assert await queues(database) == {}


async def test_a_retried_job_waits_says_why_and_has_no_lease(database):
    await add(database, 1)
    held = await take(database)
    assert await change(database, held_jobs.retry, held, 60_000, "Unavailable")
    assert await take(database) is None
    assert 30_000 < await ahead_ms(database, "run_at_ms") <= 60_000
    [row] = await rows(database)
    assert (row.status, row.lease_until_ms, row.last_error) == ("waiting", None, "Unavailable")
    await set_all(database, run_at_ms=0)
    assert (await take(database)).attempts == 2


async def test_a_retried_job_has_a_new_turn_behind_those_that_were_there_before(database):
    await add(database, *range(3), owner="retrying")
    held = await take(database)
    assert number(held) == 0
    await add(database, 10, owner="other")
    assert await change(database, held_jobs.retry, held, 0, "Unavailable")
    assert await numbers(database, 4) == [1, 10, 2, 0]


async def test_a_job_that_is_postponed_comes_later_and_has_lost_no_attempt(database):
    await add(database, 1)
    held = await take(database)
    assert await change(database, held_jobs.postpone, held, 60_000, "UnknownVersion")
    assert await take(database) is None
    await set_all(database, run_at_ms=0)
    assert (await take(database)).attempts == 1
