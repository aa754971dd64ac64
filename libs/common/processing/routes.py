"""A route pairs one event type with the handler that acts on it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from libs.common.contracts.base import Event
from libs.common.processing.failures import GivenUp
from libs.common.store.effects import Effect

E = TypeVar("E", bound=Event)
Handler = Callable[[E], Awaitable[Sequence[Effect]]]
GaveUp = Callable[[E, GivenUp], Sequence[Effect]]


def nothing(_event: Event, _reason: GivenUp) -> Sequence[Effect]:
    """Owe nothing more than ``task.failed``."""
    return []


@dataclass(frozen=True)
class Route:
    """Built by :func:`on`, read by the consumer loop."""

    event: type[Event]
    handler: Handler[Any]
    gave_up: GaveUp[Any] = nothing


def on(event: type[E], handler: Handler[E], gave_up: GaveUp[E] = nothing) -> Route:
    """Send every ``event`` to ``handler``; the type checker matches the two.

    ``gave_up`` returns the failure event that the domain owes for one that will not be handled.
    """
    return Route(event, handler, gave_up)
