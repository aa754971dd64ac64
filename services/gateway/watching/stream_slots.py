"""How many streams there may be: each holds a connection and is told of every change."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import UUID

from services.gateway.http.problems import Refused

RETRY_AFTER = {"Retry-After": "30"}


@dataclass(frozen=True, kw_only=True)
class StreamSlots:
    """The streams of one process, by owner."""

    per_owner: int
    per_process: int
    _taken: Counter[UUID] = field(default_factory=Counter)

    def open_for(self, owner: UUID) -> int:
        """Return how many slots an owner has taken."""
        return self._taken[owner]

    @contextmanager
    def one(self, owner: UUID) -> Iterator[None]:
        """Take a slot while the block runs.

        Raises:
            Refused: The owner has as many as one may have, or the process.
        """
        if self._taken[owner] >= self.per_owner:
            detail = f"You have {self.per_owner} event streams open already, as many as one may."
            status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_streams"
            raise Refused(status, code, detail, headers=RETRY_AFTER)
        if self._taken.total() >= self.per_process:
            detail = "Too many event streams are open here. Try again in a moment."
            status, code = HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"
            raise Refused(status, code, detail, headers=RETRY_AFTER)
        self._taken[owner] += 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
