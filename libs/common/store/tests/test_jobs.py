import asyncio

import pytest
from pydantic import BaseModel
from sqlalchemy import select, update

from libs.common.store import jobs
from libs.common.store.effects import apply
from libs.common.store.jobs import (
    CancelJobs,
    NewJob,
    cancel,
    claim,
    counts,
)
from libs.common.store.tables import jobs as table
from libs.common.store.tables import now_ms


class Payload(BaseModel):
    n: int


LEASE_MS = 30_000


async def add(database, n, **options):
    async with database.transaction() as connection:
        job = NewJob(kind="k", payload=Payload(n=n), **{"subject": f"s{n}", **options})
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
        tokens = await connection.scalars(select(table.c.lease_token).order_by(table.c.id))
        assert list(tokens) == [held.lease_token + 1, 0]
    assert await number(await take(database)) == 2


async def test_a_job_given_back_has_lost_no_attempt(database):
    await add(database, 1)
    held = await take(database)
    async with database.transaction() as connection:
        assert await jobs.give_back(connection, held)
    assert (await take(database)).attempts == 1


async def test_a_job_that_is_postponed_comes_later_and_has_lost_no_attempt(database):
    await add(database, 1)
    held = await take(database)
    async with database.transaction() as connection:
        assert await jobs.postpone(connection, held, 60_000, "UnknownVersion")
    assert await take(database) is None
    async with database.transaction() as connection:
        await connection.execute(table.update().values(run_at_ms=0))
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
    assert [await number(held) for held in claimed] == [100, 0, 1]
    async with database.transaction() as connection:
        assert len(await claim(connection, ["k"], LEASE_MS, 9)) == 3
        assert await claim(connection, ["k"], LEASE_MS, 9) == []


async def test_claims_of_several_at_a_time_never_share_a_job(database):
    for n in range(30):
        await add(database, n)

    async def some():
        async with database.transaction() as connection:
            return [await number(held) for held in await claim(connection, ["k"], LEASE_MS, 4)]

    found = [n for batch in await asyncio.gather(*(some() for _ in range(9))) for n in batch]
    assert sorted(found) == list(range(30))


async def test_jobs_of_workers_that_are_gone_are_free_again_and_those_are_fenced_off(database):
    await add(database, 1)
    await add(database, 2)
    held = await take(database)
    async with database.transaction() as connection:
        assert await jobs.release_all(connection) == 1
        assert not await jobs.finish(connection, held)
    again = await take(database)
    assert (again.id, again.attempts) == (held.id, held.attempts)
    async with database.transaction() as connection:
        assert await jobs.finish(connection, again)
        assert await jobs.release_all(connection) == 0


async def ahead_ms(database, column):
    """How far in the future a moment of the only job is, by the clock of the database."""
    async with database.transaction() as connection:
        return await connection.scalar(select(table.c[column] - now_ms()))


async def the_row(database):
    async with database.transaction() as connection:
        return (await connection.execute(select(table))).one()


async def test_a_delay_is_counted_from_now(database):
    await add(database, 1, delay_ms=60_000)
    assert 30_000 < await ahead_ms(database, "run_at_ms") <= 60_000


async def test_a_lease_is_counted_from_now_and_renewed_from_then(database):
    await add(database, 1)
    held = await take(database, lease_ms=60_000)
    assert 30_000 < await ahead_ms(database, "lease_until_ms") <= 60_000
    async with database.transaction() as connection:
        assert await jobs.renew(connection, held, 120_000)
    assert 90_000 < await ahead_ms(database, "lease_until_ms") <= 120_000


async def test_a_retried_job_waits_says_why_and_has_no_lease(database):
    await add(database, 1)
    held = await take(database)
    async with database.transaction() as connection:
        assert await jobs.retry(connection, held, 60_000, "Unavailable")
    assert await take(database) is None
    assert 30_000 < await ahead_ms(database, "run_at_ms") <= 60_000
    row = await the_row(database)
    assert (row.status, row.lease_until_ms, row.last_error) == ("ready", None, "Unavailable")
    assert row.finished_at_ms is None


async def test_a_job_that_is_done_is_over(database):
    await add(database, 1)
    held = await take(database)
    async with database.transaction() as connection:
        assert await jobs.finish(connection, held)
        assert not await jobs.finish(connection, held)
        assert not await jobs.fail(connection, held, "too late")
    row = await the_row(database)
    assert (row.status, row.lease_until_ms, row.last_error) == ("done", None, None)
    assert -30_000 < await ahead_ms(database, "finished_at_ms") <= 0


async def test_a_job_given_back_is_ready_without_a_lease(database):
    await add(database, 1)
    held = await take(database)
    async with database.transaction() as connection:
        assert await jobs.give_back(connection, held)
    row = await the_row(database)
    assert (row.status, row.attempts, row.lease_until_ms) == ("ready", 0, None)


async def test_only_the_named_kind_is_cancelled_and_nothing_that_is_over(database):
    await add(database, 1, subject="a")
    done = await take(database)
    async with database.transaction() as connection:
        assert await jobs.finish(connection, done)
        other = NewJob(kind="other", payload=Payload(n=2), subject="a")
        await apply(connection, [other], None)
    await add(database, 3, subject="a")
    async with database.transaction() as connection:
        await cancel(connection, CancelJobs("a", "k"))
        found = await connection.execute(select(table.c.kind, table.c.status).order_by(table.c.id))
        assert [tuple(row) for row in found] == [
            ("k", "done"),
            ("other", "ready"),
            ("k", "cancelled"),
        ]


async def test_jobs_that_wait_and_that_run_are_counted(database):
    for n in range(3):
        await add(database, n)
    await take(database)
    async with database.transaction() as connection:
        assert await counts(connection) == {"ready": 2, "running": 1}


async def test_a_new_job_is_as_it_was_asked_for(database):
    await add(database, 7, owner="o", priority=3, max_attempts=4)
    row = await the_row(database)
    assert (row.kind, row.subject, row.owner, row.priority) == ("k", "s7", "o", 3)
    assert (row.status, row.attempts, row.max_attempts, row.lease_token) == ("ready", 0, 4, 0)
    assert (row.traceparent, row.turn) == ("trace", 0)
    assert -30_000 < await ahead_ms(database, "created_at_ms") <= 0


async def test_unless_it_says_otherwise_a_job_is_for_nobody_at_once_and_tried_eight_times():
    job = NewJob(kind="k", payload=Payload(n=1), subject="s")
    assert (job.owner, job.priority, job.max_attempts, job.delay_ms) == ("", 100, 8, 0)


async def test_turns_are_dealt_among_jobs_of_one_kind(database):
    for n in range(3):
        await add(database, n, owner="first")
    async with database.transaction() as connection:
        other = NewJob(kind="other", payload=Payload(n=9), subject="s", owner="late")
        await apply(connection, [other], None)
        turn = await connection.scalar(select(table.c.turn).where(table.c.kind == "other"))
    assert turn == 0


async def end(database, held):
    async with database.transaction() as connection:
        assert await jobs.finish(connection, held)


async def test_a_late_owner_begins_at_the_turn_that_waits_not_at_one_that_is_over(database):
    for n in range(6):
        await add(database, n, owner="first")
    for _ in range(4):
        await end(database, await take(database))
    await add(database, 10, owner="late")
    order = [await number(await take(database)) for _ in range(3)]
    assert order == [4, 10, 5]


async def test_nor_at_a_later_one_that_is_over_while_all_others_are_under_way(database):
    for n in range(4):
        await add(database, n, owner="first")
    *_, last = [await take(database) for _ in range(4)]
    await end(database, last)
    await add(database, 10, owner="late")
    async with database.transaction() as connection:
        turns = await connection.scalars(select(table.c.turn).order_by(table.c.id))
        assert list(turns) == [0, 1, 2, 3, 2]
