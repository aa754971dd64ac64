"""A route pairs one event type with the handler that acts on it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from libs.common.effects import Effect
from libs.common.events import Event

E = TypeVar("E", bound=Event)
Handler = Callable[[E], Awaitable[Sequence[Effect]]]


@dataclass(frozen=True)
class Route:
    """Built by :func:`on`, read by the consumer loop."""

    event: type[Event]
    handler: Handler[Any]


def on(event: type[E], handler: Handler[E]) -> Route:
    """Send every ``event`` to ``handler``; the type checker matches the two."""
    return Route(event, handler)
