import asyncio
import sys
import textwrap

import pytest
from sqlalchemy import update

from libs.common.contracts.documents import DocumentRejected
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.engine import Database
from libs.common.processing import attempts as attempts_module
from libs.common.processing import worker as worker_module
from libs.common.processing.capacity import backpressure as backpressure_module
from libs.common.processing.capacity.backpressure import MANY, RECORDED_FREELY, Backpressure
from libs.common.processing.tests.working import (
    Working,
    add,
    bury,
    crashed,
    rejected,
    rows,
)
from libs.common.store.jobs.claiming import look
from libs.common.store.jobs.due import SUSPECT_AFTER_CRASHES
from libs.common.store.tables import core, events, jobs, now_ms


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(attempts_module, "delay_s", lambda attempt, base_s: 0.0)


async def test_an_expired_lease_is_taken_over(database):
    await add(database)
    async with database.transaction() as connection:
        await connection.execute(
            update(jobs).values(
                status="running", attempts=1, lease_token=5, lease_until_ms=now_ms() - 1
            )
        )

    async def run(job):
        assert job.attempt == 1  # the first one ended with its worker, and does not count
        return []

    async with Working(database, run) as working:
        await working.until("done")


STARTED_AGAIN = """
    import asyncio, os, sys
    from sqlalchemy import update
    from libs.common.database.engine import Database
    from libs.common.processing.tests.working import Working
    from libs.common.store.jobs.due import release_all
    from libs.common.store.tables import jobs

    async def run(job):
        if job.payload.page == 2:
            await asyncio.sleep(0.1)  # the others have begun
            os._exit(9)
        await asyncio.sleep(0.3)
        return []

    async def main():
        database = Database(sys.argv[1])
        async with database.transaction() as connection:
            await release_all(connection)
            # Half a minute passes: a suspect has rested.
            await connection.execute(update(jobs).values(run_at_ms=1))
        async with Working(database, run, slots=4) as working:
            await working.until("failed")
            await working.until("done", 3 - len(sys.argv[2:]))
        await database.close()

    asyncio.run(main())
"""


@pytest.mark.slow
async def test_a_job_that_kills_its_process_ends_and_takes_no_other_with_it(tmp_path):
    """As standalone does it: killed, and started again, on the same database."""
    url = f"sqlite+aiosqlite:///{tmp_path}/test.db"
    database = Database(url)
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
    await add(database, 4)
    codes: list[int | None] = []
    while not codes or codes[-1] == 9:
        assert len(codes) < 10
        command = [sys.executable, "-c", textwrap.dedent(STARTED_AGAIN), url]
        left = len(await rows(database, jobs))
        done = ["done"] * (4 - left)
        process = await asyncio.create_subprocess_exec(*command, *done)
        codes.append(await process.wait())
    assert codes == [9, 9, 9, 0]
    assert await rows(database, jobs) == []
    assert [row.topic for row in await rows(database, events)] == [
        DocumentRejected.topic,
        TaskFailed.topic,
    ]
    await database.close()


async def test_a_suspect_runs_alone_and_is_cleared_when_it_is_done(database):
    at_work, most = 0, 0

    async def run(job):
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.02)
        at_work -= 1
        return []

    await add(database, 2)
    await crashed(database, SUSPECT_AFTER_CRASHES)
    await add(database, 2)
    async with Working(database, run, slots=4) as working:
        await working.until("done", 4)
    assert 1 <= most <= 2  # the others may run beside each other
    assert await rows(database, jobs) == []


async def test_for_a_job_that_does_not_end_its_process_has_to(database):
    hung, go_on = asyncio.Event(), asyncio.Event()

    async def run(job):
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue
        return [rejected()]

    await add(database)
    async with Working(database, run, soft_s=0.05, hard_s=0.1, hung=hung.set):
        async with asyncio.timeout(20):
            await hung.wait()
        go_on.set()
    assert [row.status for row in await rows(database, jobs)] == ["running"]
    assert await rows(database, events) == []


@pytest.mark.parametrize(("kind_of_load", "most"), [("held", 2), ("free", 4)])
async def test_one_owner_has_at_most_half_the_slots_while_another_waits(
    database, kind_of_load, most
):
    """Where jobs may take long, ``slots_of_one`` keeps them free before the other one comes."""
    go_on, running, begun = asyncio.Event(), set(), asyncio.Event()

    async def run(job):
        running.add(job.payload.page)
        if len(running) == most:
            begun.set()
        if job.payload.page < 100:
            await go_on.wait()
        return []

    await add(database, 8, owner="busy")
    of_one = 2 if kind_of_load == "held" else None
    async with Working(database, run, slots=4, slots_of_one=of_one) as working:
        async with asyncio.timeout(20):
            await begun.wait()
        await asyncio.sleep(0.2)
        assert len(running) == most
        await add(database, owner="other", first_page=100)
        if kind_of_load == "held":
            await working.until("done")
        go_on.set()
        await working.until("done", 9)


async def test_an_owner_begins_nothing_more_while_events_wait_to_be_handled(database):
    waiting = [1]

    async def run(job):
        return []

    async def ready():
        return [row.owner for row in await rows(database, jobs)]

    backpressure = Backpressure(backlog=lambda: waiting[0], clock=lambda: 0.0)
    await add(database, 2, owner="many")
    async with Working(database, run, backpressure=backpressure) as working:
        await working.until("done", 1)
        await add(database, owner="one", first_page=100)
        async with asyncio.timeout(20):
            while "one" in await ready():
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert await ready() == ["many"]
        waiting[0] = 0
        await working.until("done", 3)


async def test_who_is_let_go_while_the_worker_looks_is_not_forgotten(database, monkeypatch):
    waiting = [1]

    async def run(job):
        return []

    async def looking(connection, kinds):
        found = await look(connection, kinds)
        if working.sample("job_seconds_count", outcome="done"):
            waiting[0] = 0
        return found

    backpressure = Backpressure(backlog=lambda: waiting[0], clock=lambda: 0.0)
    await add(database, 2, owner="many")
    working = Working(database, run, backpressure=backpressure)
    working.worker.poll_interval_s = 3600.0
    monkeypatch.setattr(worker_module, "look", looking)
    async with asyncio.timeout(20):
        async with working:
            await working.until("done", 2)


async def test_waiting_for_events_of_others_does_not_make_a_job_too_slow(database, monkeypatch):
    monkeypatch.setattr(backpressure_module, "SLOWEST_S", 0.2)

    async def run(job):
        for _ in range(RECORDED_FREELY + 6):
            await job.record([])
        return []

    await add(database)
    full = Backpressure(backlog=lambda: MANY)
    async with Working(database, run, soft_s=0.6, backpressure=full) as working:
        await working.until("done")


async def test_draining_finishes_what_runs_and_takes_nothing_new(database):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def run(job):
        started.set()
        await go_on.wait()
        return []

    await add(database, 2)
    working = Working(database, run)
    async with working:
        await started.wait()
        working.worker.drain()
        go_on.set()
    assert [row.status for row in await rows(database, jobs)] == ["ready"]


async def test_a_worker_that_is_stopped_gives_its_job_back(database):
    started = asyncio.Event()

    async def run(job):
        started.set()
        await asyncio.sleep(60)
        return []

    await add(database)
    working = Working(database, run)
    task = asyncio.create_task(working.worker.run())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [row] = await rows(database, jobs)
    assert (row.status, row.attempts) == ("ready", 0)


async def test_work_about_what_was_deleted_is_not_done(database):
    done = []

    async def run(job):
        done.append(job.id)
        return []

    await add(database)
    await bury(database)
    async with Working(database, run):
        async with asyncio.timeout(20):
            while await rows(database, jobs):
                await asyncio.sleep(0.01)
    assert done == []
