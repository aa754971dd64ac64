"""Kinds of long work, each declared once, in the ``jobs.py`` of its service.

::

    PARSE = JobKind(
        name="parse",
        payload=DocumentSubmitted,
        limits=TimeLimits(soft_s=1800, hard_s=1860),
        gave_up=document_rejected,
    )

    PARSE.new(event, subject=str(event.document_id), owner=...)  # in a handler: an effect
    PARSE.done_by(intake.parse, slots=2)                          # in app.py: for the worker
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from libs.common.contracts.base import Versioned
from libs.common.processing.failures import GivenUp
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect
from libs.common.store.jobs.claiming import SlotRequest
from libs.common.store.jobs.new_job import NewJob

P = TypeVar("P", bound=BaseModel)

AGAIN_AFTER_MS = 60 * 60 * 1000
"""When a job is tried again that was given up and must be done all the same."""


def nothing_more(_payload: BaseModel, _reason: GivenUp) -> Sequence[Effect]:
    """Owe nothing more than ``task.failed``."""
    return []


@dataclass(frozen=True, kw_only=True)
class Job(Generic[P]):
    """One piece of work, as its runner sees it."""

    id: int
    payload: P
    attempt: int
    record: Callable[[Sequence[Effect]], Awaitable[None]]
    """Commits effects before the job is done, guarded by the lease. Raises LeaseLost."""


@dataclass(frozen=True, kw_only=True)
class JobRoute:
    """A kind and what does it, at most ``slots`` at a time in this process.

    One owner has at most ``slots_of_one`` of them, and at most half while others wait.
    """

    kind: "JobKind[Any]"
    run: Callable[[Job[Any]], Awaitable[Sequence[Effect]]]
    slots: int
    slots_of_one: int

    def request(
        self, held: Mapping[str, int], passed_over: frozenset[str] = frozenset()
    ) -> SlotRequest:
        """Return what there is room for, beside what is ``held`` for each owner."""
        return SlotRequest(
            kind=self.kind.name,
            free=self.slots - sum(held.values()),
            share=min(self.slots_of_one, max(1, self.slots // 2)),
            most=self.slots_of_one,
            held=held,
            passed_over=passed_over,
        )


@dataclass(frozen=True, kw_only=True)
class JobKind(Generic[P]):
    """A kind of work: its name in the table, its payload, how long an attempt may take.

    ``gave_up`` returns the failure event of the domain for a job that will not be done.
    """

    name: str
    """Without a period, which is what tells topics from it in ``task.failed``."""
    payload: type[P]
    limits: TimeLimits
    gave_up: Callable[[P, GivenUp], Sequence[Effect]] = nothing_more

    def __post_init__(self) -> None:
        if "." in self.name:
            raise ValueError(f"a period makes a topic of the job kind {self.name!r}")

    def new(
        self,
        payload: P,
        *,
        subject: str,
        owner: str = "",
        max_attempts: int = 8,
        delay_ms: int = 0,
    ) -> NewJob:
        """Return the effect that records a job; see :class:`NewJob`."""
        return NewJob(
            kind=self.name,
            payload=payload,
            subject=subject,
            owner=owner,
            max_attempts=max_attempts,
            delay_ms=delay_ms,
        )

    def read(self, payload: bytes) -> P:
        """Return a payload as it was recorded.

        Raises:
            UnknownVersion: It is an event, and a newer release recorded it.
            Malformed: It is an event of which this is none.
            ValidationError: Another release recorded something else.
        """
        if issubclass(self.payload, Versioned):
            return self.payload.read(payload)
        return self.payload.model_validate_json(payload)

    def done_by(
        self,
        run: Callable[[Job[P]], Awaitable[Sequence[Effect]]],
        *,
        slots: int = 1,
        slots_of_one: int | None = None,
    ) -> JobRoute:
        """Have jobs of this kind done by ``run``.

        ``slots_of_one`` keeps slots free for others where jobs may take long, such as those that
        wait for a network.
        """
        return JobRoute(kind=self, run=run, slots=slots, slots_of_one=slots_of_one or slots)
