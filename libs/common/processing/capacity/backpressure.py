"""Making no more events while those of what has begun wait to be handled.

Queues of jobs are fair, topics are not: what is in them comes first, whoever waits. Where one
process makes events and handles them, it had better begin later what makes more of them, unless it
is of somebody who has not had a turn lately, and go on slowly with what makes very many.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

LONGEST_S = 1.0
"""How long the next job of an owner is kept waiting: what does not go down stops nobody."""
SLOWEST_S = 5.0
"""How long a job that records much is kept waiting each time."""
MANY = 16
"""So many events wait that a job which has recorded much waits, too."""
RECORDED_FREELY = 3
"""How often a job records something before it is one that records much."""
LOOK_EVERY_S = 0.02


def no_backlog() -> int:
    """Return 0: others handle the events."""
    return 0


@dataclass(kw_only=True)
class Backpressure:
    """Of the jobs of one service; ``backlog`` returns how many events wait to be handled."""

    backlog: Callable[[], int] = no_backlog
    clock: Callable[[], float] = monotonic
    _begun: dict[str, float] = field(default_factory=dict)
    """When the last job of an owner began, the oldest first."""

    def began(self, owner: str) -> None:
        """Note that a job of ``owner`` has begun."""
        self._begun.pop(owner, None)
        self._begun[owner] = self.clock()
        self._forget_old()

    def waiting(self) -> frozenset[str]:
        """Return the owners whose next job has to wait."""
        if not self.backlog():
            return frozenset()
        self._forget_old()
        return frozenset(self._begun)

    async def room(self, recorded: int) -> float:
        """Wait until a job that has recorded something so often may record more.

        Returns:
            The seconds that it waited.
        """
        begun = self.clock()
        until = begun + SLOWEST_S
        while recorded >= RECORDED_FREELY and self.backlog() >= MANY and self.clock() < until:
            await asyncio.sleep(LOOK_EVERY_S)
        return self.clock() - begun

    def _forget_old(self) -> None:
        until = self.clock() - LONGEST_S
        for owner in [owner for owner, since in self._begun.items() if since <= until]:
            del self._begun[owner]
