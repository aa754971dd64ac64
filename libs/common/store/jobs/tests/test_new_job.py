from libs.common.store.effects import apply
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.jobs.tests.recorded import Payload, add, ahead_ms, queues, rows


async def test_a_new_job_is_as_it_was_asked_for(database):
    await add(database, 7, owner="o", max_attempts=4)
    [row] = await rows(database)
    assert (row.kind, row.subject, row.owner) == ("k", "s7", "o")
    assert (row.status, row.attempts, row.crashes, row.max_attempts) == ("ready", 0, 0, 4)
    assert (row.traceparent, row.lease_token, row.lease_until_ms) == ("trace", 0, None)
    assert -30_000 < await ahead_ms(database, "created_at_ms") <= 0
    assert -30_000 < await ahead_ms(database, "run_at_ms") <= 0
    assert await queues(database) == {"o": 1}


async def test_a_delay_is_counted_from_now_and_no_queue_counts_it(database):
    await add(database, 1, delay_ms=60_000)
    assert 30_000 < await ahead_ms(database, "run_at_ms") <= 60_000
    assert [row.status for row in await rows(database)] == ["waiting"]
    assert await queues(database) == {}


async def test_unless_it_says_otherwise_a_job_is_for_nobody_at_once_and_tried_eight_times():
    job = NewJob(kind="k", payload=Payload(n=1), subject="s")
    assert (job.owner, job.max_attempts, job.delay_ms) == ("", 8, 0)


async def test_a_transaction_that_is_rolled_back_counts_nothing(database):
    class Wrong(Exception):
        pass

    try:
        async with database.transaction() as connection:
            await apply(connection, [NewJob(kind="k", payload=Payload(n=1), subject="s")], None)
            raise Wrong
    except Wrong:
        pass
    assert await queues(database) == {}
