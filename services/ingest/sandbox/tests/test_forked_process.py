import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest

from libs.common.errors import Rejected, Throttled, Transient
from libs.common.observability.metrics import Metrics
from services.ingest.sandbox import forked_process, frames
from services.ingest.sandbox.forked_process import (
    ConfinedCodeCrashed,
    EndedWithoutResult,
    ForkedProcess,
    Pipe,
)
from services.ingest.sandbox.frames import Frame

NOBODY = 2**22 + 1  # above the highest process id that Linux gives


@asynccontextmanager
async def child(answer: bytes, status: bytes, metrics: Metrics | None = None):
    """A child that says this, and of which the fork server says that."""
    ours, theirs = os.pipe()
    status_ours, status_theirs = os.pipe()
    os.write(theirs, answer)
    os.write(status_theirs, status)
    os.close(theirs)
    process = ForkedProcess(
        await Pipe.open(ours),
        await Pipe.open(status_ours),
        name="parser",
        metrics=metrics or Metrics("ingest"),
    )
    try:
        yield process
    finally:
        process.end()
        os.close(status_theirs)


@pytest.mark.parametrize(
    ("died_of", "code", "attacks"),
    [
        (signal.SIGSYS, "unsafe", 1),
        (signal.SIGXCPU, "too_slow", 0),
        (signal.SIGKILL, "too_complex", 0),
        (signal.SIGSEGV, "unreadable", 0),
        (0, "unreadable", 0),
    ],
)
async def test_a_death_is_told_by_its_signal(died_of, code, attacks):
    """And one that only an attack dies of is counted."""
    metrics = Metrics("ingest")
    async with child(b"P\0\0", b"%d\n%d\n" % (NOBODY, died_of), metrics) as process:
        await process.started()
        with pytest.raises(EndedWithoutResult) as died:
            await process.frame(5.0)
    assert died.value.signal == died_of
    assert died.value.rejection().code == code
    labels = {"service": "ingest", "process": "parser"}
    counted = metrics.registry.get_sample_value("sandbox_attacks_total", labels)
    assert (counted or 0) == attacks


async def test_what_the_machine_lacked_is_not_the_documents_fault():
    async with child(b"P\0\0", b"%d\n%d\n" % (NOBODY, os.EX_TEMPFAIL << 8)) as process:
        await process.started()
        with pytest.raises(Transient, match="lacked something of the machine"):
            await process.frame(5.0)


async def test_frames_come_as_they_were_sent():
    said = frames.encode(Frame.COVER, b"one") + frames.encode(Frame.PAGE, b"")
    async with child(said, b"%d\n" % NOBODY) as process:
        await process.started()
        assert await process.frame(5.0) == (Frame.COVER, b"one")
        assert await process.frame(5.0) == (Frame.PAGE, b"")


async def test_what_went_wrong_is_raised():
    told = Throttled("the website asks for fewer requests", 7.0)
    async with child(frames.of_failure(told), b"%d\n" % NOBODY) as process:
        await process.started()
        with pytest.raises(Throttled) as throttled:
            await process.frame(5.0)
    assert (str(throttled.value), throttled.value.retry_after_s) == (str(told), 7.0)
    crash = frames.encode(Frame.CRASHED, b"Traceback")
    async with child(crash, b"%d\n" % NOBODY) as process:
        await process.started()
        with pytest.raises(Rejected) as rejected:
            await process.frame(5.0)
    assert isinstance(rejected.value.__cause__, ConfinedCodeCrashed)


@pytest.mark.parametrize(
    "said", [b"?\0\0\0\0", b"P\xff\xff\xff\xff", frames.encode(Frame.FAILED, b"[]")]
)
async def test_nonsense_is_the_documents_fault(said):
    async with child(said, b"%d\n" % NOBODY) as process:
        await process.started()
        with pytest.raises(Rejected) as caught:
            await process.frame(5.0)
    assert caught.value.code == "unreadable"


async def test_a_fork_server_that_died_is_worth_another_try():
    async with child(b"", b"") as process:
        process._status.reader.feed_eof()
        with pytest.raises(Transient, match="stopped"):
            await process.started()


@pytest.mark.parametrize("waiting", ["frame", "finish"])
async def test_a_fork_server_that_does_not_answer_is_worth_another_try(monkeypatch, waiting):
    """It says nothing of the document."""
    monkeypatch.setattr(forked_process, "_STATUS_SECONDS", 0.01)
    async with child(b"", b"%d\n" % NOBODY) as process:
        await process.started()
        with pytest.raises(Transient, match="does not answer"):
            await (process.frame(5.0) if waiting == "frame" else process.finish())


async def test_one_that_says_nothing_is_waited_for_no_longer():
    ours, theirs = os.pipe()
    status, status_theirs = os.pipe()
    os.write(status_theirs, b"%d\n" % NOBODY)
    process = ForkedProcess(
        await Pipe.open(ours), await Pipe.open(status), name="parser", metrics=Metrics("ingest")
    )
    await process.started()
    with pytest.raises(TimeoutError):
        await process.frame(0.01)
    process.end()
    os.close(theirs)
    os.close(status_theirs)


async def test_it_is_gone_once_it_has_finished():
    running = await asyncio.create_subprocess_exec("/bin/sleep", "60", start_new_session=True)
    async with child(b"", b"%d\n" % running.pid) as process:
        await process.started()
        finishing = asyncio.create_task(process.finish())
        assert await running.wait() == -signal.SIGKILL
        assert not finishing.done()
        process._status.reader.feed_data(b"9\n")  # as the fork server says once it has reaped it
        await finishing
