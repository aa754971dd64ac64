"""Features, and recording what happened: events are appended, and all features follow them.

    decide -> record(event) -> [event, folds of all features, reactions of all features, change]

Everything happens in the transaction of the command or handler that asked for it. A feature knows
those below it, and none of those above: deleting a document need not know that narrations exist,
for they react to the event.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import Event
from libs.common.contracts.catalog import every_event
from libs.common.database.engine import Database
from libs.common.database.upsert import Write
from libs.common.observability.metrics import Metrics
from libs.common.observability.telemetry import current_traceparent
from libs.common.processing.job_kind import JobRoute
from libs.common.storage.port import Storage
from libs.common.store.effects import Append, Effect, Together, apply
from services.gateway.kernel.changes import Changes, changed
from services.gateway.kernel.fences import pass_fence
from services.gateway.kernel.limits import AccountPolicy, GatewayLimits
from services.gateway.kernel.prices import Prices

if TYPE_CHECKING:
    from fastapi import APIRouter

Fold = Callable[[Any], Sequence[Write]]
"""One event in, rows to be written out. Pure, and right in whatever order events arrive."""

Reaction = Callable[["Kernel", Any], Sequence[Effect]]
"""One event in, what follows from it out. It runs after all folds of that event."""

Derive = Callable[[AsyncConnection], Awaitable[None]]
"""Writes a table anew from the read models, in a transaction that keeps all other writers out."""

FindCaller = Callable[[Database, str], Awaitable[Any]]
"""Finds whose a secret is, as a ``Caller`` of the accounts; None: nobody's now."""

Work = Callable[["Kernel"], JobRoute]
"""A kind of job, and what does it with a kernel."""

SharedWork = Callable[["Kernel", AsyncConnection, Any], Awaitable[Sequence[Effect]]]
"""Work that events of one transaction share: it is given the items of all of them."""


def in_turn(*parts: Mapping[type[Event], Reaction]) -> Mapping[type[Event], Reaction]:
    """Return the reactions of several parts of a feature; those to one event follow each other."""
    found: dict[type[Event], tuple[Reaction, ...]] = {}
    for part in parts:
        for kind, reaction in part.items():
            found[kind] = (*found.get(kind, ()), reaction)
    return {kind: _chained(reactions) for kind, reactions in found.items()}


def _chained(reactions: Sequence[Reaction]) -> Reaction:
    def react(kernel: "Kernel", event: Any) -> Sequence[Effect]:
        return [effect for reaction in reactions for effect in reaction(kernel, event)]

    return react


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One feature.

    ``routes`` are the events of other services that it takes; ``folds`` and ``reactions`` say what
    it does about these and about the gateway's own. ``read_models`` are those of its ``tables``
    that folds alone write, so that they can be dropped and folded again. ``derived`` are those that
    follow from read models, and what writes them anew. ``work`` are its jobs, and what does them.
    ``credentials`` are those that are no tokens: how their secrets begin, and what finds whose they
    are. ``api`` is under ``/api/v1``, ``pages`` are for browsers.
    """

    name: str
    routes: Sequence[type[Event]] = ()
    folds: Mapping[type[Event], Fold] = field(default_factory=dict)
    reactions: Mapping[type[Event], Reaction] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    read_models: Sequence[Table] = ()
    derived: Mapping[Table, Derive] = field(default_factory=dict)
    work: Sequence[Work] = ()
    credentials: Mapping[str, FindCaller] = field(default_factory=dict)
    api: Sequence["APIRouter"] = ()
    pages: Sequence["APIRouter"] = ()


def consumed(features: Sequence[Feature]) -> tuple[type[Event], ...]:
    """Return the events of other services that any of ``features`` takes, each once."""
    return tuple(dict.fromkeys(event for feature in features for event in feature.routes))


@dataclass(frozen=True, kw_only=True, eq=False)
class Kernel:
    """What features work with; one for each process of the gateway.

    ``being_handed_in`` has when each document began to be received here that still is, by owner, in
    seconds of the monotonic clock.
    """

    database: Database
    storage: Storage
    metrics: Metrics
    limits: GatewayLimits
    changes: Changes
    features: Sequence[Feature]
    accounts: AccountPolicy = field(default_factory=AccountPolicy)
    prices: Prices = field(default_factory=Prices)
    being_handed_in: dict[UUID, list[float]] = field(default_factory=lambda: defaultdict(list))

    def record(self, *events: Event) -> list[Effect]:
        """Return the effects of deciding ``events``: they are appended, and all follow them."""
        effects: list[Effect] = []
        for event in events:
            effects += [event, *self.project(event)]
        return effects

    def record_at(self, version: int, *events: Event) -> list[Effect]:
        """Return the effects of deciding ``events`` of one stream on its ``version``, no other.

        To apply them raises Conflict if the stream has another one by then.
        """
        followed = [effect for event in events for effect in self.project(event)]
        return [Append(events, version), *followed]

    def project(self, event: Event) -> list[Effect]:
        """Return what follows from an event, whoever decided it."""
        folds, reactions = self._followers[type(event)]
        effects: list[Effect] = [write for fold in folds for write in fold(event)]
        for reaction in reactions:
            effects += reaction(self, event)
        document_id = getattr(event, "document_id", None)
        return effects if document_id is None else [*effects, changed(document_id)]

    def work(self) -> list[JobRoute]:
        """Return the jobs of all features."""
        return [make(self) for feature in self.features for make in feature.work]

    @cached_property
    def _followers(self) -> Mapping[type[Event], tuple[Sequence[Fold], Sequence[Reaction]]]:
        """What all features do about each event; looked up for every one that comes."""
        return {
            kind: (
                [feature.folds[kind] for feature in self.features if kind in feature.folds],
                [feature.reactions[kind] for feature in self.features if kind in feature.reactions],
            )
            for kind in every_event()
        }

    def finder_of(self, secret: str) -> FindCaller | None:
        """Return what finds whose a secret is, if it is one of a feature's own credentials."""
        finders = (feature.credentials.items() for feature in self.features)
        found = (find for some in finders for prefix, find in some if secret.startswith(prefix))
        return next(found, None)

    def together(self, work: SharedWork, item: Any) -> Effect:
        """Return the effect of doing ``work`` once for the items of all events that lead to it."""
        return Together(KernelStep(self, work), item)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["CommandTransaction"]:
        """Decide and carry out a command, all of it or nothing.

        Raises:
            Unavailable: The database cannot be reached.
        """
        async with self.database.transaction(urgent=True) as connection:
            transaction = CommandTransaction(connection)
            yield transaction
            if transaction.appended:
                await pass_fence(connection)
        self.metrics.events_appended_total.inc(transaction.appended)


@dataclass
class CommandTransaction:
    """The transaction of a command: what it reads in ``connection``, it decides on."""

    connection: AsyncConnection
    appended: int = 0

    async def apply(self, effects: Sequence[Effect]) -> None:
        """Carry out the effects of a command, in its trace.

        Raises:
            Conflict: A stream moved on in the meantime.
        """
        self.appended += await apply(self.connection, effects, current_traceparent())


@dataclass(frozen=True)
class KernelStep:
    """A step that works with a kernel; equal for the same work, so that events share it."""

    kernel: Kernel
    work: SharedWork

    async def __call__(self, connection: AsyncConnection, items: Sequence[Any]) -> Sequence[Effect]:
        """Do the work."""
        return await self.work(self.kernel, connection, items)
