"""One process for CPU work, which can be ended in the middle of a task, also of native code."""

import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

T = TypeVar("T")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST_FROM_HEAP = 32 << 20  # the most that glibc allows
KEPT_FREE = 64 << 20


class WorkerProcess:
    """A process that does one task after the other, and does not outlive its parent.

    ``warm_up`` runs once in it, before its first task.
    """

    def __init__(
        self, niceness: int, warm_up: Callable[..., object] | None, arguments: Sequence[Any]
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        theirs, self._lifeline = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            1,
            mp_context=context,
            initializer=_prepare,
            initargs=(theirs, niceness, warm_up, tuple(arguments)),
        )

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have a task done.

        Raises:
            BrokenProcessPool: The process died; so does the future, if it dies now.
        """
        return self._executor.submit(function, *arguments)

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        for process in list((self._executor._processes or {}).values()):
            process.kill()

    def let_go(self) -> None:
        """Have the process end after its task; wait for nothing."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._lifeline.close()

    def close(self) -> None:
        """Wait until the process has ended after its task."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._lifeline.close()


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
