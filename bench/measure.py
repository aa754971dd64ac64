"""Runs a command and accounts for all of its processes, also those that outlive it."""

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_EVERY_S = 0.5
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a command cost: wall and CPU seconds, and the peak of its memory if it was watched.

    ``peak_bytes`` is the proportional set size (PSS) of all processes together: pages that several
    share count once.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: str


def run(
    arguments: Sequence[str], *, memory: bool = False, environment: Mapping[str, str] | None = None
) -> Cost:
    """Run a command to its end. With ``memory`` its memory is sampled, which costs CPU itself.

    Raises:
        RuntimeError: It failed; the message has the end of what it printed.
    """
    _adopt_orphans()
    before = _children_cpu_s()
    started = time.perf_counter()
    process = subprocess.Popen(
        list(arguments),
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = _watch(process) if memory else 0
    output, errors = process.communicate()
    wall_s = time.perf_counter() - started
    _reap()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed: {errors[-2000:]}")
    return Cost(wall_s=wall_s, cpu_s=_children_cpu_s() - before, peak_bytes=peak, output=output)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs one of our modules."""
    return [sys.executable, "-m", module, *arguments]


def _adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent ends, so that their CPU time is ours."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap() -> None:
    """Wait for every process that is left."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: "subprocess.Popen[str]") -> int:
    peak = 0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        try:
            for member in [watched, *watched.children(recursive=True)]:
                try:
                    total += member.memory_full_info().pss
                except psutil.Error:
                    continue
        except psutil.Error:
            break
        peak = max(peak, total)
        time.sleep(SAMPLE_EVERY_S)
    return peak
