import asyncio
import ctypes
import os
import platform
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from libs.common.errors import Rejected, Unavailable
from libs.common.processing.capacity.owner_turns import OWNER
from libs.common.runtime import pool as pool_module
from libs.common.runtime.pool import CpuPool
from libs.common.runtime.worker_process import WorkerProcess

ROOT = Path(__file__).parents[4]


def refuse() -> None:
    raise Rejected("no_reason", "No.")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def take_long(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def hang() -> None:
    time.sleep(60)


def take_a_moment(begun: Path, done: Path) -> None:
    begun.touch()
    time.sleep(0.3)
    done.touch()


def faults_of_arrays_used_again() -> int:
    """Allocate and free some megabytes, again and again; return the page faults after the first."""
    before = 0
    for round_ in range(20):
        arrays = [bytearray(300_000) for _ in range(30)]
        del arrays
        if round_ == 0:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    held: list[int] = []
    try:
        with suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def gone(pid: int) -> bool:
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
async def test_returns_and_raises_what_the_function_does() -> None:
    async with CpuPool(1) as pool:
        assert await pool.run(pow, 2, 5) == 32
        with pytest.raises(Rejected, match=r"No\."):
            await pool.run(refuse)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc's malloc")
async def test_memory_that_was_freed_is_used_again() -> None:
    async with CpuPool(1) as pool:
        assert await pool.run(faults_of_arrays_used_again) < 1_000


@pytest.mark.slow
async def test_outlives_the_death_of_a_worker() -> None:
    async with CpuPool(1) as pool:
        pid = await pool.run(os.getpid)
        with pytest.raises(Unavailable):
            await pool.run(os.kill, pid, signal.SIGKILL)
        assert await pool.run(os.getpid) != pid


async def pid_of_a_worker(pool: CpuPool) -> int:
    """Of one that is started again and again: what it is forked from may just be ending, too."""
    async with asyncio.timeout(20):
        while True:
            with suppress(Unavailable):
                return await pool.run(os.getpid)
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_worker_that_could_not_be_started_is_started_the_next_time() -> None:
    """There is always one to be had, whatever the machine lacked meanwhile."""
    async with CpuPool(1) as pool:
        pid = await pool.run(os.getpid)
        with no_descriptors_left():
            os.kill(pid, signal.SIGKILL)
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await asyncio.wait_for(pool.run(os.getpid), 20)
        assert await pid_of_a_worker(pool) != pid


@pytest.mark.slow
async def test_a_worker_whose_start_fails_in_the_middle_is_no_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the server that workers are forked from dies just then."""

    def fails(*_: object) -> None:
        raise EOFError("the fork server is gone")

    async with CpuPool(1) as pool:
        with pytest.raises(Unavailable):
            await pool.run(die)
        with monkeypatch.context() as patched:
            patched.setattr(WorkerProcess, "submit", fails)
            with pytest.raises(Unavailable, match="EOFError"):
                await pool.run(os.getpid)
        assert await asyncio.wait_for(pool.run(os.getpid), 20)


def hang_in_native_code(pid: Path) -> None:
    """Hold the interpreter's lock for ever: no thread of this process runs any more."""
    pid.write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(600)


@pytest.mark.slow
async def test_a_task_that_was_cancelled_and_goes_on_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "CANCEL_PATIENCE_S", 0.1)
    pid = tmp_path / "pid"
    async with CpuPool(1) as pool:
        hanging = asyncio.create_task(pool.run(hang_in_native_code, pid))
        while not (pid.exists() and pid.read_text()):
            await asyncio.sleep(0.01)
        hanging.cancel()
        async with asyncio.timeout(30):
            assert await pool.run(abs, -1) == 1
    assert gone(int(pid.read_text()))


@pytest.mark.slow
async def test_a_task_that_was_cancelled_and_ends_soon_keeps_its_worker() -> None:
    async with CpuPool(1) as pool:
        pid = await pool.run(os.getpid)
        ending = asyncio.create_task(pool.run(time.sleep, 0.1))
        await asyncio.sleep(0.05)
        ending.cancel()
        assert await pool.run(os.getpid) == pid


@pytest.mark.slow
async def test_the_death_of_a_worker_is_no_matter_of_the_others() -> None:
    async with CpuPool(2) as pool:
        other = asyncio.create_task(pool.run(take_long, 1.0))
        await asyncio.sleep(0.1)
        with pytest.raises(Unavailable):
            await pool.run(die)
        assert await other == 1.0


@pytest.mark.slow
async def test_tasks_wait_for_a_free_worker_in_their_order_unless_they_are_cancelled() -> None:
    done: list[int] = []
    async with CpuPool(1) as pool:

        async def task(number: int) -> None:
            await pool.run(time.sleep, 0.01)
            done.append(number)

        tasks = [asyncio.create_task(task(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert done == [0, 2, 3]


@pytest.mark.slow
async def test_closing_kills_native_code_that_hangs(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    pool = CpuPool(1)
    hanging = asyncio.create_task(pool.run(hang_in_native_code, pid))
    waiting = asyncio.create_task(pool.run(abs, -1))
    while not (pid.exists() and pid.read_text()):
        await asyncio.sleep(0.01)
    async with asyncio.timeout(30):
        await pool.close(patience_s=0.1)
    assert gone(int(pid.read_text()))
    with pytest.raises(Unavailable):
        await hanging
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_closing_does_not_wait_for_a_task_that_hangs() -> None:
    pool = CpuPool(1)
    pid = await pool.run(os.getpid)
    hanging = asyncio.create_task(pool.run(hang))
    await asyncio.sleep(0)
    hanging.cancel()
    await pool.close(patience_s=0.1)
    assert gone(pid)
    with pytest.raises(asyncio.CancelledError):
        await hanging


@pytest.mark.slow
async def test_closing_lets_a_short_task_end(tmp_path: Path) -> None:
    pool = CpuPool(1)
    begun, done = tmp_path / "begun", tmp_path / "done"
    ending = asyncio.create_task(pool.run(take_a_moment, begun, done))
    while not begun.exists():
        await asyncio.sleep(0.01)
    await pool.close(patience_s=30)
    await ending
    assert done.exists()


async def test_a_closed_pool_starts_again() -> None:
    pool = CpuPool(1)
    assert await pool.run(abs, -1) == 1
    await pool.close()
    assert await pool.run(abs, -2) == 2
    await pool.close()


@pytest.mark.slow
def test_workers_do_not_outlive_a_killed_parent() -> None:
    code = """
        import asyncio, os, sys, time
        from libs.common.runtime.pool import CpuPool
        async def main():
            pool = CpuPool(1)
            print(await pool.run(os.getpid), flush=True)
            await pool.run(time.sleep, 60)
        if __name__ == "__main__":
            asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    assert gone(worker)


INTERRUPTED_PRELOAD = """
import os, signal
from multiprocessing import forkserver
from libs.common.runtime.pool import preload

ensure = forkserver.ensure_running
def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    ensure()
    print("started", flush=True)
forkserver.ensure_running = interrupted
try:
    preload("string")
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.slow
def test_an_interruption_during_preload_is_not_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_PRELOAD],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["started", "interrupted"]


@pytest.mark.slow
async def test_a_task_does_not_wait_for_all_that_another_owner_has() -> None:
    async with CpuPool(1) as pool:
        done: list[str] = []

        async def run(owner: str) -> None:
            OWNER.set(owner)
            await pool.run(take_long, 0.02)
            done.append(owner)

        tasks = [asyncio.create_task(run("ada")) for _ in range(10)]
        await asyncio.sleep(0.03)
        await asyncio.gather(*tasks, asyncio.create_task(run("bea")))
    assert "bea" in done[:5]
