"""Kinds of long work, each declared once, in the ``jobs.py`` of its service.

::

    PARSE = JobKind("parse", DocumentSubmitted, gave_up=document_rejected)

    PARSE.new(event, subject=str(event.document_id))     # in a handler: an effect
    PARSE.done_by(intake.parse, slots=2)                  # in app.py: for the worker
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from libs.common.contracts.base import Versioned
from libs.common.processing.failures import GivenUp
from libs.common.store.effects import Effect
from libs.common.store.jobs import NewJob

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


@dataclass(frozen=True)
class JobRoute:
    """A kind and what does it, at most ``slots`` at a time in this process."""

    kind: "JobKind[Any]"
    run: Callable[[Job[Any]], Awaitable[Sequence[Effect]]]
    slots: int


@dataclass(frozen=True)
class JobKind(Generic[P]):
    """A kind of work: its name in the table, its payload, and what is owed when it is given up.

    ``gave_up`` returns the failure event of the domain for a job that will not be done.
    """

    name: str
    """Without a period, which is what tells topics from it in ``task.failed``."""
    payload: type[P]
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
        self, run: Callable[[Job[P]], Awaitable[Sequence[Effect]]], *, slots: int = 1
    ) -> JobRoute:
        """Have jobs of this kind done by ``run``."""
        return JobRoute(self, run, slots)
