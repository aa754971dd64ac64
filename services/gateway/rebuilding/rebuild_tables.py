"""Rebuilds read models while the gateway works.

    shadows -> all history -> what came meanwhile -> ... -> [lock, the rest, swap] -> watchers

Every chunk of history is folded into the shadows in the transaction that keeps how far it came, so
a rebuild that was killed goes on. Only the last step keeps others out. Folds commute and may be
repeated, so it does not matter in what order history is read, or that passes overlap.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from time import perf_counter

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.backoff import delay_s
from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from libs.common.store.bodies.uuid_text import NO_UUID
from libs.common.store.effects import apply
from libs.common.store.leading import leading
from libs.common.store.leases import Lease, guard
from services.gateway.kernel.changes import changed
from services.gateway.kernel.record import Feature, consumed
from services.gateway.kernel.tables import document_changes
from services.gateway.rebuilding import rebuild_progress as kept
from services.gateway.rebuilding import shadows
from services.gateway.rebuilding.chunks import LocalProjector, Projector, projected_chunks
from services.gateway.rebuilding.code_digest import code_digest
from services.gateway.rebuilding.past_events import CHUNK, Sources, committed_bound, next_chunk
from services.gateway.rebuilding.rebuild_progress import RebuildProgress
from services.gateway.rebuilding.sessions import TELL_EVERY_S, Waiting, in_tables, named
from services.gateway.rebuilding.shadow_projection import ShadowProjection, write_batches

MOST_PASSES = 10
SHORT_PASS = 2 * CHUNK
"""Events of a pass that is so short that the next one may keep others out."""

PATIENCE_MS = (100,) * 20 + (3000,) * 10
"""How long each try to lock the tables waits. Short at first: a transaction that holds one of them
and waits for another gets on when a try ends, before PostgreSQL (``deadlock_timeout``, a second)
would end it. A vacuum of its own accord gives way only to who waits for longer than that."""

TELL_AFTER_TRIES = 5
"""Who is in the tables is told after so many tries, and after as many again."""

WAIT_S = 600.0
"""How long a transaction of others may go on that was there when a pass was to begin."""

DOCUMENTS_PER_TRANSACTION = 500

LEASE_MS = 10_000
"""A rebuild that was killed is followed by the next one after so long."""


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What a rebuild did: events projected, passes, and how many seconds others were kept out."""

    events: int
    passes: int
    locked_s: float


class Rebuild:
    """Rebuilds ``tables``, which are read models or derived tables of ``features``.

    ``show`` is told how far it has come, after each chunk; ``tell`` is given sentences for whoever
    began it. ``wait_s`` is how long it waits for a transaction of others to end. ``projector``
    projects chunks, this process if it is None.
    """

    def __init__(
        self,
        database: Database,
        features: Sequence[Feature],
        tables: Sequence[Table],
        *,
        show: Callable[[RebuildProgress], None],
        tell: Callable[[str], None],
        wait_s: float = WAIT_S,
        projector: Projector | None = None,
    ) -> None:
        self._database = database
        self._models = [
            table for feature in features for table in feature.read_models if table in tables
        ]
        self._derived = {
            table: derive
            for feature in features
            for table, derive in feature.derived.items()
            if table in tables
        }
        self._all_models = [table for feature in features for table in feature.read_models]
        self._shadows = shadows.shadows_of(self._models, sqlite=database.sqlite)
        self._projection = ShadowProjection(features, self._shadows, database.engine.dialect)
        self._projector = projector or LocalProjector(self._projection)
        foreign = {event.topic for event in consumed(features)}
        topics = {event.topic for event in self._projection.events}
        # What it consumes of its own is folded when it comes back, like that of others.
        self._sources = Sources(own=sorted(topics - foreign), received=sorted(topics))
        self._show = show
        self._tell = tell
        self._wait_s = wait_s
        self._locked_s = 0.0
        self._lease = Lease("rebuild", 0)

    async def run(self, *, fresh: bool = False) -> Rebuilt:
        """Rebuild, going on with what an earlier run left unless it is to be ``fresh``.

        It begins anew, too, if other code or a rebuild of other tables has left it.

        Raises:
            Unavailable: The database cannot be reached, or somebody holds it up for minutes.
        """
        async with self._alone():
            progress = await self._begin(fresh=fresh)
            if not progress.swapped:
                progress = await self._catch_up(progress)
                progress = await self._finish(progress)
            await self._tell_watchers()
        return Rebuilt(events=progress.projected, passes=progress.passes, locked_s=self._locked_s)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Be the only rebuild; waits for another one, which may take long."""
        said = "another rebuild is running; waiting for its end"
        saying = asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell, said)
        try:
            async with leading(self._database, "rebuild", LEASE_MS) as leader:
                saying.cancel()
                self._lease = leader.lease
                yield
        finally:
            saying.cancel()

    async def _begin(self, *, fresh: bool) -> RebuildProgress:
        """Return the rebuild to go on with, or a new one with empty shadows."""
        new = RebuildProgress(
            tables=kept.named([*self._models, *self._derived]), code_digest=code_digest()
        )
        async with self._database.transaction() as connection:
            await guard(connection, self._lease)
            found = await kept.read_progress(connection)
            if found is not None and not fresh:
                differs = found.differs_from(new)
                if differs is None:
                    self._tell(f"going on after {found.projected:,} events")
                    return found
                self._tell(f"what a rebuild has left is {differs}; beginning anew")
            left = found.tables.split(",") if found is not None else []
            names = {*left, *(table.name for table in self._all_models)}
            await shadows.discard(connection, sorted(names))
            await shadows.create(connection, self._shadows)
            await kept.begin(connection, new)
            return new

    async def _catch_up(self, progress: RebuildProgress) -> RebuildProgress:
        """Fold all history, and what came meanwhile, until little is left."""
        while True:
            if progress.until is None:
                waiting = Waiting(self._tell, self._wait_s)
                progress = progress.begun(await committed_bound(self._database, waiting))
            before = progress.projected
            progress = await self._pass(progress)
            progress = progress.passed()
            if progress.projected - before <= SHORT_PASS or progress.passes >= MOST_PASSES:
                return progress

    async def _pass(self, progress: RebuildProgress) -> RebuildProgress:
        chunks = projected_chunks(
            self._database, self._sources, self._projector, progress.position, progress.until
        )
        async with aclosing(chunks):
            async for chunk in chunks:
                progress = progress.moved(chunk.behind, chunk.events)
                async with self._database.transaction() as connection:
                    await guard(connection, self._lease)
                    await write_batches(connection, chunk.batches)
                    await kept.keep(connection, progress)
                self._show(progress)
        return progress

    async def _finish(self, progress: RebuildProgress) -> RebuildProgress:
        """Fold the rest and swap, trying anew while others are in the tables."""
        async with self._database.transaction() as connection:
            await shadows.analyze(connection, self._shadows)
        for failures, patience_ms in enumerate(PATIENCE_MS, 1):
            try:
                async with self._database.transaction() as connection:
                    return await self._swap(connection, progress, patience_ms)
            except Unavailable as error:
                last = failures == len(PATIENCE_MS)
                if last or failures % TELL_AFTER_TRIES == 0:
                    said = f"{error}; in the tables: {await self._others()}"
                    if last:
                        raise Unavailable(f"{said}; give the same command again") from error
                    self._tell(f"{said}; trying again")
                await asyncio.sleep(delay_s(failures, cap_s=1.0))
        raise AssertionError("the last try returns or raises")

    async def _others(self) -> str:
        """Return who is in the tables, as far as the database says."""
        if self._database.sqlite:
            return "another process"
        with suppress(Unavailable):
            async with self._database.querying() as connection:
                return named(await in_tables(connection, [*self._models, *self._derived]))
        return "unknown"

    async def _swap(
        self, connection: AsyncConnection, progress: RebuildProgress, patience_ms: int
    ) -> RebuildProgress:
        started = perf_counter()
        await guard(connection, self._lease)
        await shadows.lock(connection, [*self._models, *self._derived], patience_ms)
        position = progress.position
        while True:
            events, position = await next_chunk(connection, self._sources, position, None)
            if not events:
                break
            await write_batches(connection, self._projection.batches(events))
            progress = progress.moved(position, len(events))
        await shadows.swap(connection, self._shadows)
        for derive in self._derived.values():
            await derive(connection)
        progress = replace(progress, swapped=True)
        await kept.keep(connection, progress)
        self._locked_s = perf_counter() - started
        return progress

    async def _tell_watchers(self) -> None:
        """Have whoever watches a document look again: its rows may differ from what they were."""
        last = NO_UUID
        ids = select(document_changes.c.document_id).order_by(document_changes.c.document_id)
        while True:
            following = ids.where(document_changes.c.document_id > last)
            async with self._database.transaction() as connection:
                found = list(await connection.scalars(following.limit(DOCUMENTS_PER_TRANSACTION)))
                await apply(connection, [changed(document) for document in found], None)
                if not found:
                    await kept.forget(connection)
                    return
            last = found[-1]
