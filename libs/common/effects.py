"""What a handler or a job may ask for, and the one place where it happens.

A handler returns effects and touches nothing itself; :func:`apply` carries them out in the
transaction that also records the inbox row or the end of the job.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.event_store import append
from libs.common.events import Event
from libs.common.jobs import CancelJobs, NewJob, cancel, enqueue

Step: TypeAlias = Callable[[AsyncConnection], Awaitable[Sequence["Effect"]]]
"""Decides inside the transaction, from what it reads there."""

Effect: TypeAlias = Event | NewJob | CancelJobs | Executable | Step


async def apply(
    connection: AsyncConnection, effects: Sequence[Effect], traceparent: str | None
) -> None:
    """Carry out ``effects`` in their order, inside the caller's transaction.

    Raises:
        Conflict: An event's stream moved on in the meantime.
    """
    pending: list[Event] = []
    for effect in effects:
        if isinstance(effect, Event):
            pending.append(effect)
            continue
        await append(connection, pending, traceparent)
        pending = []
        await _apply_one(connection, effect, traceparent)
    await append(connection, pending, traceparent)


async def _apply_one(connection: AsyncConnection, effect: Effect, traceparent: str | None) -> None:
    if isinstance(effect, NewJob):
        await enqueue(connection, effect, traceparent)
    elif isinstance(effect, CancelJobs):
        await cancel(connection, effect)
    elif isinstance(effect, Executable):
        await connection.execute(effect)
    elif callable(effect):
        await apply(connection, await effect(connection), traceparent)
    else:
        raise TypeError(f"{type(effect).__name__} is not an effect")
