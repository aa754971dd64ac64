import asyncio
import sys
import textwrap
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import select, update

from libs.common.contracts.details import FailureDetails
from libs.common.contracts.documents import DocumentRejected
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.engine import Database
from libs.common.errors import Conflict, Rejected, Throttled, Transient, Unavailable, UnknownVersion
from libs.common.observability.metrics import Metrics
from libs.common.processing import attempts as attempts_module
from libs.common.processing.attempts import MAX_CRASHES, LeaseLost
from libs.common.processing.failures import UNEXPECTED, GivenUp
from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.processing.worker import Worker
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import apply
from libs.common.store.jobs.cancelling import CancelJobs
from libs.common.store.jobs.due import SUSPECT_AFTER_CRASHES
from libs.common.store.tables import core, events, job_queues, jobs, now_ms
from libs.common.store.tombstones import tombstone

CANARY = "A title, by its author (2026)."


class Payload(BaseModel):
    document_id: UUID
    owner_id: UUID
    page: int = 1


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(attempts_module, "delay_s", lambda attempt, base_s: 0.0)


def rejected(code="x", document_id=None, owner_id=None, details=None):
    return DocumentRejected(
        document_id=document_id or uuid4(),
        owner_id=owner_id or uuid4(),
        code=code,
        details=details,
    )


def gave_up(payload, reason):
    return [rejected(reason.code, payload.document_id, payload.owner_id, reason.details)]


def kind(soft_s=60, hard_s=90):
    limits = TimeLimits(soft_s=soft_s, hard_s=hard_s)
    return JobKind(name="k", payload=Payload, limits=limits, gave_up=gave_up)


async def add(database, count=1, first_page=1, **options):
    async with database.transaction() as connection:
        for n in range(count):
            payload = Payload(document_id=uuid4(), owner_id=uuid4(), page=first_page + n)
            await apply(connection, [kind().new(payload, subject="s", **options)], None)


async def rows(database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table).order_by(table.c.id))).all()


class Working:
    """A worker that runs while the block does."""

    def __init__(
        self,
        database,
        run,
        *,
        slots=1,
        slots_of_one=None,
        lease_ms=30_000,
        storage=None,
        hung=lambda: None,
        **limits,
    ):
        self.database = database
        self.storage = storage or MemoryStorage()
        self.worker = Worker(
            database=database,
            storage=self.storage,
            service="ingest",
            routes=[kind(**limits).done_by(run, slots=slots, slots_of_one=slots_of_one)],
            metrics=Metrics("ingest"),
            lease_ms=lease_ms,
            poll_interval_s=0.05,
            hung=hung,
        )

    async def __aenter__(self):
        self.task = asyncio.create_task(self.worker.run())
        return self

    async def __aexit__(self, *_):
        self.worker.drain()
        await self.task

    async def failures(self):
        """The events that say that work was given up."""
        return [
            TaskFailed.decode(
                row.body,
                event_id=UUID(row.event_id),
                occurred_at=datetime.fromisoformat(row.occurred_at),
            )
            for row in await rows(self.database, events)
            if row.topic == TaskFailed.topic
        ]

    async def reasons(self):
        """Why that was, for the owner."""
        return [
            (await read_details(self.storage, failed.details, FailureDetails)).reason
            for failed in await self.failures()
        ]

    def sample(self, name, **labels):
        labels = {"service": "ingest", "kind": "k"} | labels
        return self.worker.metrics.registry.get_sample_value(name, labels) or 0

    async def until(self, outcome, count=1):
        async with asyncio.timeout(20):
            while self.sample("job_seconds_count", outcome=outcome) < count:
                await asyncio.sleep(0.01)

    def attempts(self):
        """Of all jobs that are over."""
        return self.sample("job_attempts_sum")


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

    monkeypatch.setitem(globals(), "gave_up", broken)
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


async def crashed(database, crashes):
    """As if the process had ended while it did all jobs, so often in a row."""
    async with database.transaction() as connection:
        values = {"status": "running", "attempts": 1, "lease_token": 5, "crashes": crashes - 1}
        await connection.execute(update(jobs).values(**values, lease_until_ms=now_ms() - 1))
        await connection.execute(job_queues.delete())


async def test_a_job_that_kills_its_worker_again_and_again_is_given_up(database):
    await add(database)
    await crashed(database, MAX_CRASHES)

    async def run(job):
        raise AssertionError("never run again")

    async with Working(database, run) as working:
        await working.until("failed")
    assert "stopped its worker" in (await working.reasons())[0]
    assert [failed.code for failed in await working.failures()] == ["crashed"]


STARTED_AGAIN = """
    import asyncio, os, sys
    from libs.common.database.engine import Database
    from libs.common.processing.tests.test_worker import Working, kind
    from libs.common.store.jobs.due import release_all

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


async def bury(database, subject="s"):
    async with database.transaction() as connection:
        await apply(connection, [tombstone(subject)], None)


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
