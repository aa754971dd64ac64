"""Which jobs a worker has room for."""

from collections.abc import Mapping, Sequence
from time import monotonic

from libs.common.database.wakeups import Wakeup
from libs.common.store import jobs


class Slots:
    """Free slots by kind of job, and which kinds are worth asking the database for.

    A kind of which nothing was left is asked for again when there are new jobs, or after
    ``poll_interval_s`` for those of other processes and those that are due later.
    """

    def __init__(self, slots: Mapping[str, int], wakeup: Wakeup, poll_interval_s: float) -> None:
        self._free = dict(slots)
        self._wakeup = wakeup
        self._poll_interval_s = poll_interval_s
        self._none_left: set[str] = set()
        self._notified, self._looked = wakeup.notified, monotonic()

    def wanted(self) -> dict[str, int]:
        """Return the free slots of the kinds to ask for."""
        now = monotonic()
        if self._wakeup.notified != self._notified or now - self._looked >= self._poll_interval_s:
            self._notified, self._looked = self._wakeup.notified, now
            self._none_left.clear()
        return {
            kind: free for kind, free in self._free.items() if free and kind not in self._none_left
        }

    def took(self, wanted: dict[str, int], claimed: Sequence[jobs.Claim]) -> None:
        """Note what came of asking."""
        for claim in claimed:
            self._free[claim.kind] -= 1
        if wanted and len(claimed) < min(wanted.values()):
            self._none_left |= wanted.keys()

    def give_back(self, kind: str) -> None:
        """Have the slot of a job that is over filled again."""
        self._free[kind] += 1
        self._wakeup.wake()
