"""Beginning no new work while events of what has begun wait to be handled.

Queues of jobs are fair, topics are not: what is in them comes first, whoever waits. Where one
process makes events and handles them, it had better begin later what makes more of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

LONGEST_S = 1.0
"""How long the next job is kept waiting: what does not go down, as of a long book, stops nobody."""


def no_backlog() -> int:
    """Return 0: others handle the events."""
    return 0


@dataclass(kw_only=True)
class Backpressure:
    """Of the jobs of one service; ``backlog`` returns how many events wait to be handled."""

    backlog: Callable[[], int] = no_backlog
    clock: Callable[[], float] = monotonic
    _since: float | None = field(default=None)

    @property
    def holds(self) -> bool:
        """Whether the next job has to wait."""
        if not self.backlog():
            self._since = None
            return False
        if self._since is None:
            self._since = self.clock()
        if self.clock() - self._since < LONGEST_S:
            return True
        self._since = None
        return False
