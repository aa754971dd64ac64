"""CPU work in subprocesses, so that the event loop keeps its promises to Kafka."""

import asyncio
import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Self, TypeVar

from libs.common.errors import Unavailable

T = TypeVar("T")

CLOSE_PATIENCE_S = 2.0
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST_FROM_HEAP = 32 << 20  # the most that glibc allows
KEPT_FREE = 64 << 20
NICENESS = 5
"""Of workers: when all cores are busy, the event loop that feeds them goes first."""


class CpuPool:
    """A process pool that outlives the death of its workers and does not outlive its parent.

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
        self._executor: ProcessPoolExecutor | None = None
        self._lifelines: dict[ProcessPoolExecutor, Connection] = {}

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run ``function`` in a worker and return what it returns, or raise what it raises.

        Raises:
            Unavailable: The worker died; a new one will be there for the next call.
        """
        executor = self._executor or self._start()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(executor, function, *arguments)
        except BrokenProcessPool as error:
            if self._executor is executor:
                self._executor = None
                self._cut_lifeline(executor)
                executor.shutdown(wait=False, cancel_futures=True)
            raise Unavailable("a worker process died") from error

    async def __aenter__(self) -> Self:
        """Start the workers now instead of with the first task."""
        executor = self._executor or self._start()
        await asyncio.to_thread(_occupy, executor, self.workers)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    async def close(self, patience_s: float = CLOSE_PATIENCE_S) -> None:
        """End the workers: each after its task, or in the middle of one that takes too long."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        ending = asyncio.ensure_future(
            asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)
        )
        await asyncio.wait({ending}, timeout=patience_s)
        self._cut_lifeline(executor)
        await ending

    def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("forkserver")
        worker_end, ours = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            self.workers,
            mp_context=context,
            initializer=_prepare,
            initargs=(worker_end, self._niceness, self._warm_up, self._arguments),
        )
        self._lifelines[self._executor] = ours
        return self._executor

    def _cut_lifeline(self, executor: ProcessPoolExecutor) -> None:
        lifeline = self._lifelines.pop(executor, None)
        if lifeline is not None:
            lifeline.close()


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


def _prepare(
    lifeline: Connection,
    niceness: int,
    warm_up: Callable[..., object] | None,
    arguments: tuple[Any, ...],
) -> None:
    os.nice(niceness)
    _keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_when_cut, args=(lifeline,), daemon=True).start()
    if warm_up is not None:
        warm_up(*arguments)


def _keep_freed_memory() -> None:
    """Have glibc keep what a task frees for the next one, where the C library is glibc.

    Arrays of some hundred kilobytes go back to the system when they are freed, and each of their
    pages costs a fault when the next array wants it: a fortieth of the time of speech work.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_FROM_HEAP)
        mallopt(M_TRIM_THRESHOLD, KEPT_FREE)


def _end_when_cut(lifeline: Connection) -> None:
    """End this process when the pool lets go of it, or its parent is gone."""
    wait([lifeline])
    os._exit(1)


def _occupy(executor: ProcessPoolExecutor, workers: int) -> None:
    """Have all workers started; the first one waits until the fork server has its imports."""
    for _ in range(workers):
        executor.submit(_nothing)


def _nothing() -> None:
    return None
