"""pytest plugin: fails a test in which a callback held an event loop, which then serves nobody.

What counts is the processor time of the loop's thread, which a busy machine does not change; time
that the collector takes is left out, for it comes when it likes. What blocks without computing
(sleeping, files, a lock) shows in time by the clock only, so that is bounded too, generously.
"""

import gc
from asyncio.events import Handle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from reprlib import Repr
from time import monotonic, thread_time
from typing import Any

import pytest

MOST_COMPUTED_S = 0.1
MOST_BLOCKED_S = 5.0
_SHORT = Repr()
_SHORT.maxother = 300


@dataclass
class LoopWatchdog:
    """Notes the callbacks of all event loops of this process that take too long."""

    held: list[str] = field(default_factory=list)
    _collecting_s: float = 0.0
    _collects_since: float = 0.0

    def run(self, handle: Handle) -> None:
        """Run a callback; this is what a loop calls."""
        began, computed, collected = monotonic(), thread_time(), self._collecting_s
        what = getattr(handle, "_callback", handle)  # gone afterwards
        try:
            _run(handle)
        finally:
            computed = thread_time() - computed - (self._collecting_s - collected)
            blocked = monotonic() - began
            if computed > MOST_COMPUTED_S or blocked > MOST_BLOCKED_S:
                self.held.append(
                    f"computed for {computed:.3f} s, took {blocked:.3f} s: {_named(what)}"
                )

    def collecting(self, phase: str, info: Mapping[str, int]) -> None:
        """Count the time that the collector takes."""
        if phase == "start":
            self._collects_since = thread_time()
        else:
            self._collecting_s += thread_time() - self._collects_since


_run = Handle._run


@contextmanager
def watched_loops() -> Iterator[LoopWatchdog]:
    """Watch every event loop of this process, in whatever thread, until the context ends."""
    watchdog = LoopWatchdog()
    Handle._run = lambda self: watchdog.run(self)  # type: ignore[method-assign]
    gc.callbacks.append(watchdog.collecting)
    try:
        yield watchdog
    finally:
        gc.callbacks.remove(watchdog.collecting)
        Handle._run = _run  # type: ignore[method-assign]


@pytest.fixture
def nothing_holds_the_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which a callback held an event loop.

    ``@pytest.mark.holds_loop(reason)`` says why one may.
    """
    if request.node.get_closest_marker("holds_loop"):
        yield
        return
    with watched_loops() as watchdog:
        yield
    if watchdog.held:
        pytest.fail("the event loop was held: " + "; ".join(watchdog.held))


def _named(callback: Any) -> str:
    """Return what a callback is; of a step of a task, the task."""
    return _SHORT.repr(getattr(callback, "__self__", callback))
