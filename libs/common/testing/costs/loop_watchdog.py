"""pytest plugin: fails a test in which a callback held an event loop, which then serves nobody.

What counts is the processor time of the loop's thread, in seconds of this machine when it is not
busy: how much slower it is right then is measured when a step seems to be too long. Time
that the collector takes is left out, for it comes when it likes, and so is what :func:`not_counted`
does. Calls that block without computing are found by the linter (rules ASYNC): time by the clock
tells nothing where the machine is shared, for a step of 2 ms was seen to take 5.4 s of it.
"""

import gc
from asyncio.events import Handle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from reprlib import Repr
from time import thread_time
from typing import Any

import pytest

MOST_COMPUTED_S = 0.1
WATCHED = (
    "services/",
    "lectern/",
    "libs/common/kafka/",
    "libs/common/processing/",
    "libs/common/runtime/",
)
CALIBRATION_ROUNDS = 20_000
_SHORT = Repr()
_SHORT.maxother = 300


@dataclass
class LoopWatchdog:
    """Notes the callbacks of all event loops of this process that take too long."""

    held: list[str] = field(default_factory=list)
    left_out_s: float = 0.0
    _collects_since: float = 0.0

    def run(self, handle: Handle) -> None:
        """Run a callback; this is what a loop calls."""
        computed, left_out = thread_time(), self.left_out_s
        what = getattr(handle, "_callback", handle)  # gone afterwards
        try:
            _run(handle)
        finally:
            computed = thread_time() - computed - (self.left_out_s - left_out)
            if computed > MOST_COMPUTED_S and computed > MOST_COMPUTED_S * _slowdown():
                self.held.append(f"computed for {computed:.3f} s: {_named(what)}")

    def collecting(self, phase: str, info: Mapping[str, int]) -> None:
        """Count the time that the collector takes."""
        if phase == "start":
            self._collects_since = thread_time()
        else:
            self.left_out_s += thread_time() - self._collects_since


def _calibrate() -> float:
    """Return the processor time, in seconds, that always the same work takes now."""
    began = thread_time()
    for _ in range(CALIBRATION_ROUNDS):
        pass
    return thread_time() - began


def _slowdown() -> float:
    """Return how many times as long as at its quickest this machine takes just now."""
    return max(1.0, *(_calibrate() / _quickest_s for _ in range(3)))


_quickest_s = min(_calibrate() for _ in range(30))
_run = Handle._run


_watching: list[LoopWatchdog] = []


@contextmanager
def not_counted() -> Iterator[None]:
    """Leave out what a test does by itself in a loop, as putting an application together."""
    began = thread_time()
    try:
        yield
    finally:
        for watchdog in _watching:
            watchdog.left_out_s += thread_time() - began


@contextmanager
def watched_loops() -> Iterator[LoopWatchdog]:
    """Watch every event loop of this process, in whatever thread, until the context ends."""
    watchdog = LoopWatchdog()
    _watching.append(watchdog)
    Handle._run = lambda self: watchdog.run(self)  # type: ignore[method-assign]
    gc.callbacks.append(watchdog.collecting)
    try:
        yield watchdog
    finally:
        _watching.remove(watchdog)
        gc.callbacks.remove(watchdog.collecting)
        Handle._run = _run  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def nothing_holds_the_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test of requests, handlers or jobs in which a callback held an event loop."""
    if not request.node.nodeid.startswith(WATCHED):
        yield
        return
    with watched_loops() as watchdog:
        yield
    if watchdog.held:
        pytest.fail("the event loop was held: " + "; ".join(watchdog.held))


def _named(callback: Any) -> str:
    """Return what a callback is; of a step of a task, the task."""
    return _SHORT.repr(getattr(callback, "__self__", callback))
