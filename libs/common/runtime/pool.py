"""CPU work in subprocesses, so that the event loop keeps its promises to Kafka."""

import asyncio
import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, resource_tracker
from typing import Any, Self, TypeVar

from libs.common.errors import Unavailable
from libs.common.processing.capacity.owner_turns import WaitingByOwner
from libs.common.runtime.worker_process import WorkerProcess

T = TypeVar("T")

CLOSE_PATIENCE_S = 2.0
CANCEL_PATIENCE_S = 10.0
"""A task that nobody waits for any more may take so long: starting a worker anew costs more."""
NICENESS = 5
"""Of workers: when all cores are busy, the event loop that feeds them goes first."""


class CpuPool:
    """So many worker processes, each of which may die, or be killed, without the others.

    ``warm_up`` runs once in each worker before its first task. ``niceness`` is that of its workers:
    what is less urgent than speech is nicer.
    """

    def __init__(
        self,
        workers: int,
        *,
        warm_up: Callable[..., object] | None = None,
        arguments: Sequence[Any] = (),
        niceness: int = NICENESS,
    ) -> None:
        self.workers = workers
        self._niceness = niceness
        self._warm_up = warm_up
        self._arguments = tuple(arguments)
        self._processes: _Processes | None = None

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run ``function`` in a worker and return what it returns, or raise what it raises.

        If this is cancelled, a worker that goes on for too long is killed.

        Raises:
            Unavailable: The worker died, or could not be started; the next call starts a new one.
        """
        processes = self._processes or self._start()
        loop = asyncio.get_running_loop()
        process = await processes.take()
        try:
            task = process.submit(function, *arguments)
        except Exception as error:  # it is started here; whatever that lacks, the next one may have
            processes.gone(process)
            what = type(error).__name__
            raise Unavailable(f"a worker process died or did not start ({what})") from error

        def ended(task: Future[T]) -> None:  # in a thread
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(processes.give_back, process, task)

        task.add_done_callback(ended)
        try:
            return await asyncio.wrap_future(task)
        except BrokenProcessPool as error:
            raise Unavailable("a worker process died") from error
        except asyncio.CancelledError:
            loop.call_later(CANCEL_PATIENCE_S, _kill_unless_done, process, task)
            raise

    async def __aenter__(self) -> Self:
        """Start the workers now instead of with the first task."""
        processes = self._processes or self._start()
        await asyncio.to_thread(processes.occupy)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    async def close(self, patience_s: float = CLOSE_PATIENCE_S) -> None:
        """End the workers: each after its task, or in the middle of one that takes too long."""
        processes, self._processes = self._processes, None
        if processes is not None:
            await processes.close(patience_s)

    def _start(self) -> "_Processes":
        def start() -> WorkerProcess:
            return WorkerProcess(self._niceness, self._warm_up, self._arguments)

        self._processes = _Processes(start, self.workers)
        return self._processes


class _Processes:
    """Those of a pool from its start to its end; owners take turns at the next free one.

    There are always ``count`` to be had. None stands for one that is to be started: after a death,
    or when starting it came to nothing.
    """

    def __init__(self, start: Callable[[], WorkerProcess], count: int) -> None:
        self._start = start
        self._all: list[WorkerProcess] = []
        self._free: deque[WorkerProcess | None] = deque([None] * count)
        self._waiting: WaitingByOwner[WorkerProcess | None] = WaitingByOwner()
        self._closed = False

    async def take(self) -> WorkerProcess:
        """Return a free process, as soon as there is one.

        Raises:
            Unavailable: It could not be started.
        """
        return self._started(self._free.popleft() if self._free else await self._wait())

    async def _wait(self) -> WorkerProcess | None:
        waiter = self._waiting.join()
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self._give(waiter.result())
            raise

    def _started(self, process: WorkerProcess | None) -> WorkerProcess:
        if process is not None:
            return process
        try:
            process = self._start()
        except Exception as error:
            self._give(None)
            raise Unavailable(f"no worker process starts ({type(error).__name__})") from error
        self._all.append(process)
        return process

    def give_back(self, process: WorkerProcess, task: "Future[Any]") -> None:
        """Give a process to the next one, or what replaces it if it died."""
        if not task.cancelled() and isinstance(task.exception(), BrokenProcessPool):
            self.gone(process)
        else:
            self._give(process)

    def gone(self, process: WorkerProcess) -> None:
        """Have another process started in place of one that died, when it is needed."""
        process.let_go()
        self._all.remove(process)
        if not self._closed:
            self._give(None)

    def occupy(self) -> None:
        """Have all processes started; the first one waits until the fork server has its imports."""
        while None in self._free:
            self._all.append(self._start())
            self._free.remove(None)
            self._free.append(self._all[-1])
        for process in self._all:
            process.submit(_nothing)

    async def close(self, patience_s: float) -> None:
        """End all processes, and kill those that take too long; whoever waits is cancelled."""
        self._closed = True
        self._waiting.cancel()
        ending = asyncio.gather(*(asyncio.to_thread(process.close) for process in self._all))
        await asyncio.wait({ending}, timeout=patience_s)
        for process in self._all:
            process.kill()
        await ending

    def _give(self, process: WorkerProcess | None) -> None:
        if (waiter := self._waiting.pop()) is not None:
            waiter.set_result(process)
        else:
            self._free.append(process)


def _kill_unless_done(process: WorkerProcess, task: "Future[Any]") -> None:
    if not task.done():
        process.kill()


def preload(*modules: str) -> None:
    """Start the process that workers are forked from, and have it import ``modules``; not waiting.

    Call before the first pool starts; workers then share the memory and start in milliseconds.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(modules))
    resource_tracker.ensure_running()  # which would lift what is blocked next
    # It inherits that SIGINT is blocked: Ctrl-C is for us, who end it, also while it imports.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _nothing() -> None:
    return None
