import math

import pytest

from libs.common.store.jobs.counting import JobCounts, counts
from libs.common.store.jobs.tests.recorded import add, set_all, take


async def counted(database, *kinds):
    async with database.reading() as connection:
        return await counts(connection, kinds or ["k"])


async def test_jobs_that_are_due_and_that_run_are_counted(database):
    await add(database, 1, 2, 3)
    await add(database, 4, delay_ms=60_000)
    await take(database)
    found = await counted(database)
    assert (found.ready, found.running) == (2, 1)


@pytest.mark.parametrize("status", ["waiting", "suspect"])
async def test_so_is_what_is_due_and_in_no_queue(database, status):
    await add(database, 1, delay_ms=60_000)
    await set_all(database, status=status, run_at_ms=1)
    found = await counted(database)
    assert found.ready == 1
    assert found.oldest_s["k"] > 1e9


async def test_the_age_of_the_oldest_is_that_of_what_waits_for_a_worker(database):
    await add(database, 1, delay_ms=60_000)
    await add(database, 2, kind="running")
    await take(database, kind="running")
    assert (await counted(database, "k", "running")).oldest_s == {"k": 0, "running": 0}
    await add(database, 3)
    assert 0 <= (await counted(database)).oldest_s["k"] < 30


def test_what_nobody_can_tell_is_no_number():
    unknown = JobCounts.unknown(["k"])
    assert all(map(math.isnan, (unknown.ready, unknown.running, unknown.oldest_s["k"])))
