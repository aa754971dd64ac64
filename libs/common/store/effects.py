"""What a handler or a job may ask for, and the one place where it happens.

A handler returns effects and touches nothing itself; a :class:`UnitOfWork` carries them out in the
transaction that also records the inbox rows or the end of the job.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import Event
from libs.common.database.upsert import Write
from libs.common.database.wakeups import JOBS, notify_after_commit
from libs.common.store.event_store import TracedEvent, append_traced, at_versions
from libs.common.store.jobs import queues
from libs.common.store.jobs.cancelling import CancelJobs, cancel
from libs.common.store.jobs.new_job import NewJob, new_job

Turn: TypeAlias = Literal["first", "middle", "last"]
Step: TypeAlias = Callable[[AsyncConnection], Awaitable[Sequence["Effect"]]]
"""Decides inside the transaction, from what it reads there."""


@dataclass(frozen=True)
class Together:
    """A step that many effects of one transaction share.

    ``step`` is called after all other effects, once, with the items of all that name it, in their
    order. Steps whose ``turn`` is first or last are called before or after all the others. What a
    step decides belongs to the trace of what came last about the same document, or else about the
    same owner, or else to that of the first who named the step.
    """

    step: Callable[[AsyncConnection, Sequence[Any]], Awaitable[Sequence["Effect"]]]
    item: Any
    turn: Turn = "middle"


@dataclass(frozen=True)
class Append:
    """Events of one stream that were decided on its version ``expected``, and on no other.

    For what several may write at a time: ``decide(state, command) -> events``. Events that stand
    alone among the effects are appended to whatever their streams hold.
    """

    events: Sequence[Event]
    expected: int


Effect: TypeAlias = Event | Append | NewJob | CancelJobs | Write | Executable | Step | Together


class UnitOfWork:
    """Effects on their way into one transaction, in as few calls as their order allows.

    Rows of the same statement that follow one another are written at once. Steps and statements see
    all rows of the effects before them; events are appended at the end, in their order.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.appended = 0
        self._trace_of: dict[str, str | None] = {}
        self._events: list[TracedEvent] = []
        self._rows: list[tuple[Executable, list[dict[str, Any]]]] = []
        self._queued: Counter[queues.Queue] = Counter()
        self._shared: dict[Turn, dict[Any, _Shared]] = {"first": {}, "middle": {}, "last": {}}

    async def add(
        self, effects: Sequence[Effect], traceparent: str | None, cause: Event | None = None
    ) -> None:
        """Take ``effects`` in, in their order; ``cause`` is the event that they follow from."""
        self._trace_of |= dict.fromkeys(_about(cause), traceparent)
        for effect in effects:
            await self._take(effect, traceparent)

    async def _take(self, effect: Effect, traceparent: str | None) -> None:
        if isinstance(effect, Event):
            self._events.append(TracedEvent(effect, traceparent))
        elif isinstance(effect, Append):
            self._events += at_versions(effect.events, traceparent, effect.expected)
        elif isinstance(effect, Write):
            self._write(effect)
        elif isinstance(effect, NewJob):
            self._record(effect, traceparent)
        elif isinstance(effect, Together):
            self._share(effect, traceparent)
        else:
            await self._flush()
            await self._act(effect, traceparent)

    async def finish(self) -> None:
        """Carry out what is left.

        Raises:
            Conflict: An event's stream moved on in the meantime.
        """
        while waiting := next(filter(None, self._shared.values()), None):
            step = next(iter(waiting))
            shared = waiting.pop(step)
            await self._flush()
            for effect in await step(self._connection, shared.items):
                known = (self._trace_of[name] for name in _about(effect) if name in self._trace_of)
                await self._take(effect, next(known, shared.traceparent))
        await self._flush()
        events, self._events = self._events, []
        await append_traced(self._connection, events)
        self.appended += len(events)
        changes, self._queued = self._queued, Counter()
        await queues.count(self._connection, changes)  # last, for it locks what others want

    def _record(self, job: NewJob, traceparent: str | None) -> None:
        self._write(new_job(job, traceparent))
        if job.queue is not None:
            self._queued[job.queue] += 1
            notify_after_commit(self._connection, JOBS)

    def _share(self, effect: Together, traceparent: str | None) -> None:
        steps = self._shared[effect.turn]
        steps.setdefault(effect.step, _Shared(traceparent)).items.append(effect.item)

    def _write(self, write: Write) -> None:
        if not self._rows or self._rows[-1][0] is not write.statement:
            self._rows.append((write.statement, []))
        self._rows[-1][1].append(write.row)

    async def _flush(self) -> None:
        waiting, self._rows = self._rows, []
        for statement, rows in waiting:
            await self._connection.execute(statement, rows)

    async def _act(self, effect: CancelJobs | Executable | Step, traceparent: str | None) -> None:
        if isinstance(effect, CancelJobs):
            self._queued.update(await cancel(self._connection, effect))
        elif isinstance(effect, Executable):
            await self._connection.execute(effect)
        elif callable(effect):
            await self.add(await effect(self._connection), traceparent)
        else:
            raise TypeError(f"{type(effect).__name__} is not an effect")


@dataclass
class _Shared:
    """The items of a step that is still to come, and the trace of the first of them."""

    traceparent: str | None
    items: list[Any] = field(default_factory=list)


def _about(effect: Effect | None) -> list[str]:
    """Return the key and the owner that an event or a job is about, as far as it says."""
    names: Sequence[Any] = ()
    match effect:
        case Append(events=[first, *_]) | (Event() as first):
            names = first.key, getattr(first, "owner_id", None)
        case NewJob():
            names = getattr(effect.payload, "document_id", None), effect.owner
    return [str(name) for name in names if name]


async def apply(
    connection: AsyncConnection, effects: Sequence[Effect], traceparent: str | None
) -> int:
    """Carry out ``effects`` in their order, inside the caller's transaction.

    Returns how many events were appended.

    Raises:
        Conflict: An event's stream moved on in the meantime.
    """
    work = UnitOfWork(connection)
    await work.add(effects, traceparent)
    await work.finish()
    return work.appended
