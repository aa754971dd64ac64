import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import update

from libs.common.contracts.documents import DocumentRejected
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Conflict, Rejected, Throttled, Transient, Unavailable, UnknownVersion
from libs.common.processing import attempts as attempts_module
from libs.common.processing.attempts import MAX_CRASHES, LeaseLost
from libs.common.processing.capacity.owner_turns import OWNER
from libs.common.processing.failures import UNEXPECTED, GivenUp
from libs.common.processing.tests import working as working_module
from libs.common.processing.tests.working import (
    Payload,
    Working,
    add,
    bury,
    crashed,
    gave_up,
    rejected,
    rows,
)
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import apply
from libs.common.store.jobs.cancelling import CancelJobs
from libs.common.store.jobs.due import SUSPECT_AFTER_CRASHES
from libs.common.store.tables import events, jobs

CANARY = "A title, by its author (2026)."


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(attempts_module, "delay_s", lambda attempt, base_s: 0.0)


async def test_the_effects_of_a_job_are_recorded_with_its_end(database):
    async def run(job):
        return gave_up(job.payload, GivenUp("x"))

    await add(database, 3)
    async with Working(database, run, slots=2) as working:
        await working.until("done", 3)
    assert len(await rows(database, events)) == 3


async def test_transient_errors_are_retried_and_then_given_up(database):
    attempts = []

    async def run(job):
        attempts.append(job.attempt)
        raise Unavailable("no answer")

    await add(database, max_attempts=3)
    async with Working(database, run) as working:
        await working.until("failed")
    assert attempts == [1, 2, 3]
    first, second = await rows(database, events)
    assert (first.topic, second.topic) == (DocumentRejected.topic, TaskFailed.topic)
    assert await working.reasons() == ["no answer"]
    [failed] = await working.failures()
    assert (failed.code, failed.attempts) == ("unavailable", 3)


async def test_a_permanent_error_is_not_retried(database):
    attempts = []

    async def run(job):
        attempts.append(job.attempt)
        raise Rejected("encrypted", "Remove the password.")

    await add(database)
    async with Working(database, run) as working:
        await working.until("failed")
    assert attempts == [1]
    assert await working.reasons() == ["Remove the password."]
    owed, failed = await rows(database, events)
    assert owed.topic == DocumentRejected.topic
    assert b"encrypted" in owed.body
    assert b"Remove the password." not in owed.body + failed.body


async def test_jobs_that_end_together_on_one_stream_are_all_recorded(database):
    document_id, together = uuid4(), asyncio.Barrier(4)

    async def run(job):
        await together.wait()
        return [rejected(document_id=document_id)]

    await add(database, 4)
    async with Working(database, run, slots=4) as working:
        await working.until("done", 4)
    found = await rows(database, events)
    assert [row.topic for row in found] == [DocumentRejected.topic] * 4
    assert working.attempts() == 4


async def test_a_stream_that_moves_on_is_decided_on_again(database):
    decided = []

    async def decide(connection):
        decided.append(1)
        if len(decided) < attempts_module.MAX_COMMITS:
            raise Conflict("s")
        return [rejected()]

    async def run(job):
        return [decide]

    await add(database)
    async with Working(database, run) as working:
        await working.until("done")
    assert len(await rows(database, events)) == 1
    assert working.attempts() == 1


async def test_a_job_whose_stream_keeps_moving_on_is_retried(database):
    attempts: list[int] = []

    async def decide(connection):
        if len(attempts) < 3:
            raise Conflict("s")
        return []

    async def run(job):
        attempts.append(job.attempt)
        if job.attempt == 1:
            raise Conflict("s")
        return [decide]

    await add(database)
    async with Working(database, run) as working:
        await working.until("done")
    assert attempts == [1, 2, 3]
    assert await rows(database, events) == []


def bugs(working):
    return working.worker.metrics.bugs_total.labels(where="k")._value.get()


async def set_first(database, **values):
    async with database.transaction() as connection:
        await connection.execute(update(jobs).where(jobs.c.id == 1).values(**values))


async def nothing(job):
    return []


@pytest.mark.slow
async def test_a_payload_that_cannot_be_read_is_given_up_and_the_others_go_on(database):
    await add(database, 2, max_attempts=2)
    await set_first(database, payload=b'{"of": "another release"}')
    async with Working(database, nothing, slots=2) as working:
        await working.until("failed")
        await working.until("done")
    [failed] = await rows(database, events)
    assert failed.topic == TaskFailed.topic
    [told] = await working.failures()
    assert (told.code, told.document_id, told.details) == ("bug", None, None)
    assert working.attempts() == 2 + 1
    assert await rows(database, jobs) == []
    assert bugs(working) == 3


@pytest.mark.slow
async def test_a_job_whose_domain_cannot_tell_its_failure_is_given_up(database, monkeypatch):
    def broken(payload, error):
        raise KeyError("x")

    async def run(job):
        raise Rejected("x", "y")

    monkeypatch.setattr(working_module, "gave_up", broken)
    await add(database)
    async with Working(database, run) as working:
        await working.until("failed")
    [failed] = await rows(database, events)
    assert (failed.topic, bugs(working)) == (TaskFailed.topic, 1)


@pytest.mark.slow
async def test_a_job_that_cannot_be_finished_leaves_the_others_alone(database, monkeypatch):
    async def broken(*_):
        raise LookupError

    async def run(job):
        if job.payload.page == 1:
            raise Rejected("x", "y")
        return []

    monkeypatch.setattr("libs.common.processing.failures.Failures.given_up", broken)
    await add(database, 3)
    async with Working(database, run) as working:
        await working.until("done", 2)
    assert [row.status for row in await rows(database, jobs)] == ["running"]
    assert bugs(working) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejected("encrypted", CANARY), "encrypted"),
        (Transient(CANARY), "transient"),
        (Throttled(CANARY), "throttled"),
        (KeyError(CANARY), "bug"),
        (ExceptionGroup(CANARY, [ValueError(CANARY)]), "bug"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
async def test_a_reason_is_in_no_event_no_job_and_no_log(database, logged, error, code):
    """It is in an object of the document, and that of an unexpected error is nowhere."""

    async def run(job):
        try:
            raise LookupError(CANARY)
        except LookupError as cause:
            raise error from cause

    await add(database, max_attempts=2)
    async with Working(database, run) as working:
        await working.until("failed")
    written, said = logged(), CANARY.encode()
    assert "work given up" in written
    assert ("Traceback" in written) == (code == "bug")
    assert CANARY not in written
    stored = await rows(database, events)
    assert [row.topic for row in stored] == [DocumentRejected.topic, TaskFailed.topic]
    assert said not in b"".join(row.body for row in stored)
    assert await rows(database, jobs) == []
    assert await working.reasons() == [UNEXPECTED if code == "bug" else CANARY]
    assert [said in data for data in working.storage.objects.values()] == [code != "bug"]


async def test_what_a_payload_says_that_cannot_be_read_is_not_quoted(database, logged):
    await add(database, max_attempts=1)
    await set_first(database, payload=b'{"document_id": "%s"}' % CANARY.encode())
    async with Working(database, nothing) as working:
        await working.until("failed")
    written = logged()
    assert "the payload of a job cannot be read" in written
    assert CANARY not in written
    assert CANARY.encode() not in b"".join(row.body for row in await rows(database, events))


async def test_without_a_storage_a_failure_is_recorded_without_its_reason(database):
    class Down(MemoryStorage):
        async def write(self, *_, **__):
            raise Unavailable("away")

    async def run(job):
        raise Rejected("encrypted", "Remove the password.")

    await add(database)
    async with Working(database, run, storage=Down()) as working:
        await working.until("failed")
    [failed] = await working.failures()
    assert (failed.code, failed.details) == ("encrypted", None)
    assert len(await rows(database, events)) == 2


async def test_a_failure_says_all_that_the_payload_does(database):
    async def run(job):
        raise Rejected("x", "y")

    await add(database)
    [job] = await rows(database, jobs)
    async with Working(database, run) as working:
        await working.until("failed")
    [failed] = await working.failures()
    payload = Payload.model_validate_json(job.payload)
    assert (failed.document_id, failed.owner_id, failed.page) == (
        payload.document_id,
        payload.owner_id,
        1,
    )
    assert (failed.service, failed.kind, failed.about_stream) == ("ingest", "k", None)


async def test_recorded_progress_stays_when_the_job_fails(database):
    async def run(job):
        await job.record(gave_up(job.payload, GivenUp("progress")))
        raise Transient("later")

    await add(database, max_attempts=1)
    async with Working(database, run) as working:
        await working.until("failed")
    assert b"progress" in (await rows(database, events))[0].body


async def test_a_job_that_only_a_newer_release_can_do_waits_for_it(database, monkeypatch):
    """A replica that is behind must not give up what the next one can do."""
    monkeypatch.setattr(attempts_module, "UPGRADE_WAIT_S", 0.01)
    attempts = []

    async def run(job):
        attempts.append(job.attempt)
        if len(attempts) < 5:
            raise UnknownVersion("PageText", 2, 1)
        return []

    await add(database, max_attempts=2)
    async with Working(database, run) as working:
        await working.until("done")
    assert attempts == [1] * 5
    assert await working.failures() == []


async def test_a_cancelled_job_is_stopped_and_writes_nothing(database):
    started, stopped = asyncio.Event(), asyncio.Event()

    async def run(job):
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()
        return gave_up(job.payload, GivenUp("x"))

    await add(database)
    async with Working(database, run, lease_ms=300) as working:
        await started.wait()
        async with database.transaction() as connection:
            await apply(connection, [CancelJobs("s")], None)
        async with asyncio.timeout(10):
            await stopped.wait()
        await working.until("lost")
    assert await rows(database, jobs) == []
    assert await rows(database, events) == []


async def test_a_zombie_cannot_record(database):
    outcome = []

    async def run(job):
        async with database.transaction() as connection:  # as if another worker had claimed it
            await connection.execute(update(jobs).values(lease_token=jobs.c.lease_token + 1))
        try:
            await job.record(gave_up(job.payload, GivenUp("x")))
        except LeaseLost:
            outcome.append("lost")
            raise
        return []

    await add(database)
    async with Working(database, run):
        async with asyncio.timeout(10):
            while not outcome:
                await asyncio.sleep(0.01)
    assert await rows(database, events) == []


async def test_a_job_that_kills_its_worker_again_and_again_is_given_up(database):
    await add(database)
    await crashed(database, MAX_CRASHES)

    async def run(job):
        raise AssertionError("never run again")

    async with Working(database, run) as working:
        await working.until("failed")
    assert "stopped its worker" in (await working.reasons())[0]
    assert [failed.code for failed in await working.failures()] == ["crashed"]


async def test_progress_clears_a_suspect(database):
    went_on = asyncio.Event()

    async def run(job):
        await job.record([])
        went_on.set()
        await asyncio.sleep(60)

    await add(database)
    await crashed(database, SUSPECT_AFTER_CRASHES)
    working = Working(database, run)
    task = asyncio.create_task(working.worker.run())
    await went_on.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [row] = await rows(database, jobs)
    assert (row.status, row.crashes) == ("ready", 0)


async def test_a_job_that_takes_too_long_is_cancelled_and_given_up_after_some_attempts(database):
    attempts = []

    async def run(job):
        attempts.append(job.attempt)
        await asyncio.sleep(60)

    await add(database)
    async with Working(database, run, soft_s=0.05) as working:
        await working.until("failed")
    assert attempts == [1, 2, 3]
    assert [failed.code for failed in await working.failures()] == ["timeout"]


async def test_a_job_that_ends_is_measured_with_its_attempts(database):
    async def run(job):
        if job.payload.page == 2:
            raise Unavailable("no answer")
        if job.attempt == 1:
            raise Transient("flaky")
        return gave_up(job.payload, GivenUp("x"))

    await add(database, 2, max_attempts=3)
    async with Working(database, run, slots=2) as working:
        await working.until("done")
        await working.until("failed")
    assert working.sample("job_attempts_count") == 2
    assert working.sample("job_attempts_sum") == 5
    assert working.sample("job_seconds_count", outcome="done") == 1
    assert working.sample("job_seconds_count", outcome="failed") == 1
    appended = working.worker.metrics.registry.get_sample_value
    assert appended("events_appended_total", {"service": "ingest"}) == 3


@pytest.mark.parametrize("fails", [False, True])
async def test_work_records_nothing_about_what_was_deleted_meanwhile(database, fails):
    async def run(job):
        await bury(database)
        if fails:
            raise Rejected("x", CANARY)
        return gave_up(job.payload, GivenUp("x"))

    await add(database)
    async with Working(database, run, lease_ms=100):
        async with asyncio.timeout(20):
            while await rows(database, jobs):
                await asyncio.sleep(0.01)
    assert await rows(database, events) == []


async def test_all_that_a_job_starts_knows_for_whom_it_works(database):
    owners = []

    async def run(job):
        async def note():
            owners.append(OWNER.get())

        await asyncio.create_task(note())
        return []

    await add(database, owner="ada")
    await add(database, first_page=2, owner="bea")
    async with Working(database, run) as working:
        await working.until("done", 2)
    assert sorted(owners) == ["ada", "bea"]
    assert OWNER.get() == ""
