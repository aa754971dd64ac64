"""Which jobs a worker has room for."""

from collections import Counter
from collections.abc import Sequence
from time import monotonic

from libs.common.database.wakeups import Wakeup
from libs.common.processing.job_kind import JobRoute
from libs.common.store.jobs.claiming import SlotRequest
from libs.common.store.jobs.held_jobs import Claim


class Slots:
    """Slots by kind of job and owner, and which kinds are worth asking the database for.

    A kind of which nothing was left is asked for again when there are new jobs, when an owner is
    passed over no more, or after ``poll_interval_s`` for those of other processes and those that
    are due later.
    """

    def __init__(self, routes: Sequence[JobRoute], wakeup: Wakeup, poll_interval_s: float) -> None:
        self._routes = {route.kind.name: route for route in routes}
        self._held: dict[str, Counter[str]] = {kind: Counter() for kind in self._routes}
        self._wakeup = wakeup
        self._poll_interval_s = poll_interval_s
        self._none_left: set[str] = set()
        self._passed_over: frozenset[str] = frozenset()
        self._notified, self._looked = wakeup.notified, monotonic()

    def requests(self, passed_over: frozenset[str] = frozenset()) -> list[SlotRequest]:
        """Return what to ask for, by kinds, for other owners than ``passed_over``."""
        now = monotonic()
        due = self._wakeup.notified != self._notified or now - self._looked >= self._poll_interval_s
        if due or self._passed_over - passed_over:
            self._notified, self._looked = self._wakeup.notified, now
            self._none_left.clear()
        self._passed_over = passed_over
        requests = [
            route.request(self._held[kind], passed_over)
            for kind, route in self._routes.items()
            if kind not in self._none_left
        ]
        return [request for request in requests if request.free > 0]

    def took(self, request: SlotRequest, claimed: Sequence[Claim]) -> None:
        """Note what came of asking."""
        for claim in claimed:
            self._held[request.kind][claim.owner] += 1
        if not claimed:
            self._none_left.add(request.kind)

    def give_back(self, claim: Claim) -> None:
        """Have the slot of a job that is over filled again."""
        held = self._held[claim.kind]
        if held[claim.owner] >= self._routes[claim.kind].slots_of_one:
            self._none_left.discard(claim.kind)  # its owner was passed over
        held[claim.owner] -= 1
        held += Counter()  # forgets owners who hold nothing
        self._wakeup.wake()
