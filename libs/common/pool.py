"""CPU work in subprocesses, so that the event loop keeps its promises to Kafka."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from multiprocessing.connection import wait
from typing import Any, Self, TypeVar

from libs.common.errors import Unavailable

T = TypeVar("T")


class CpuPool:
    """A process pool that outlives the death of its workers and does not outlive its parent.

    ``warm_up`` runs once in each worker before its first task.
    """

    def __init__(
        self,
        workers: int,
        warm_up: Callable[..., object] | None = None,
        arguments: Sequence[Any] = (),
    ) -> None:
        self.workers = workers
        self._warm_up = warm_up
        self._arguments = tuple(arguments)
        self._executor: ProcessPoolExecutor | None = None

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

    async def close(self) -> None:
        """End the workers, after the task that each is at."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        self._executor = ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("forkserver"),
            initializer=_prepare,
            initargs=(self._warm_up, self._arguments),
        )
        return self._executor


def preload(*modules: str) -> None:
    """Start the process that workers are forked from, and have it import ``modules``; not waiting.

    Call before the first pool starts; workers then share the memory and start in milliseconds.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(modules))
    # It inherits that SIGINT is ignored: Ctrl-C is for us, who end it, also while it imports.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, handler)


def _prepare(warm_up: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if warm_up is not None:
        warm_up(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _occupy(executor: ProcessPoolExecutor, workers: int) -> None:
    """Have all workers started; the first one waits until the fork server has its imports."""
    for _ in range(workers):
        executor.submit(_nothing)


def _nothing() -> None:
    return None
