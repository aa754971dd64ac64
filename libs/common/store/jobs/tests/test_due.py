import pytest

from libs.common.store.jobs import held_jobs
from libs.common.store.jobs.claiming import claim_suspect
from libs.common.store.jobs.due import make_ready, release_all
from libs.common.store.jobs.tests.recorded import (
    add,
    become_due,
    expire,
    number,
    queues,
    rows,
    set_all,
    take,
)


async def state(database):
    return [(row.status, row.attempts, row.crashes) for row in await rows(database)]


async def test_a_job_becomes_ready_when_it_is_due(database):
    await add(database, 1, owner="o", delay_ms=60_000)
    await become_due(database)
    assert await queues(database) == {}
    await set_all(database, run_at_ms=1)
    await become_due(database, "other")
    assert await queues(database) == {}
    await become_due(database)
    assert await queues(database) == {"o": 1}
    assert number(await take(database)) == 1


async def test_a_lease_that_ends_by_itself_counts_a_crash_and_no_attempt(database):
    await add(database, 1)
    assert (await take(database)).attempts == 1
    await expire(database)
    await become_due(database)
    assert await state(database) == [("ready", 0, 1)]
    assert (await take(database)).crashes == 1


async def test_after_two_crashes_in_a_row_a_job_is_suspected(database):
    await add(database, 1)
    for _ in range(2):
        await take(database)
        await expire(database)
        await become_due(database)
    assert await state(database) == [("suspect", 0, 2)]
    assert await queues(database) == {}


async def test_an_error_that_was_told_is_no_crash(database):
    await add(database, 1)
    await take(database)
    await expire(database)
    held = await take(database)
    async with database.transaction() as connection:
        assert await held_jobs.retry(connection, held, 0, "Unavailable")
    assert await state(database) == [("waiting", 1, 0)]


async def test_only_so_many_become_ready_at_a_time(database):
    await add(database, 1, 2, 3, owner="o", delay_ms=60_000)
    await set_all(database, run_at_ms=1)
    async with database.transaction() as connection:
        assert not await make_ready(connection, ["k"], at_once=2)
    assert await queues(database) == {"o": 2}
    async with database.transaction() as connection:
        assert await make_ready(connection, ["k"], at_once=2)
    assert await queues(database) == {"o": 3}


@pytest.mark.parametrize("crashes", [0, 1])
async def test_jobs_of_workers_that_are_gone_are_free_again_and_those_are_fenced_off(
    database, crashes
):
    await add(database, 1, 2)
    held = await take(database)
    await set_all(database, crashes=crashes)
    async with database.transaction() as connection:
        assert await release_all(connection) == 1
        assert not await held_jobs.end(connection, held)
    status = "waiting" if crashes else "ready"
    assert (await state(database))[0] == (status, 0, crashes + 1)
    await queues(database)
    async with database.transaction() as connection:
        assert await release_all(connection) == 0


async def test_a_process_that_is_killed_again_and_again_makes_no_job_guilty(database):
    """The one that ran at two kills rests before it is begun again, alone."""
    await add(database, 1)
    for _ in range(10):
        async with database.transaction() as connection:
            await make_ready(connection, ["k"])
            assert await claim_suspect(connection, "k", 30_000) is None
        await take(database)
        async with database.transaction() as connection:
            await release_all(connection)
    assert await state(database) == [("waiting", 0, 2)]
    await set_all(database, run_at_ms=1)
    async with database.transaction() as connection:
        await make_ready(connection, ["k"])
        assert (suspect := await claim_suspect(connection, "k", 30_000))
    assert suspect.crashes == 2
