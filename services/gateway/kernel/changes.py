"""Tells those who watch a document that something about it was committed.

Every event about a document raises its counter in the transaction that records it, so that a
watcher sees by one figure whether there is anything new, on whatever replica it happened. Watchers
are woken after the commit, those of other processes by notifications where these work. Who watches
for changes of whatever documents is told which, and finds what it was not told of by when it was.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import UUID

import structlog
from sqlalchemy import Integer, bindparam, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among
from libs.common.database.engine import Database
from libs.common.database.wakeups import Wakeup, notify_after_commit
from libs.common.errors import LecternError
from libs.common.store.effects import Effect, Together
from libs.common.store.tables import now_ms
from services.gateway.kernel.tables import document_changes

log = structlog.get_logger(__name__)

LATELY_S = 30
"""Longer than it takes to commit once a counter is raised; so far back every look for changes of
whatever documents reaches behind the last one."""

_PREFIX = "document/"
_NOW_S = now_ms() // 1000
_SINCE = select(_NOW_S - bindparam("seconds", type_=Integer())).scalar_subquery()
_LATELY = select(document_changes.c.document_id, document_changes.c.changes).where(
    document_changes.c.changed_at_s >= _SINCE
)


def _raise_statement() -> Insert:
    new = insert(document_changes)
    raised = document_changes.c.changes + new.excluded.changes
    return new.values(changed_at_s=_NOW_S).on_conflict_do_update(
        index_elements=[document_changes.c.document_id],
        set_={"changes": raised, "changed_at_s": _NOW_S},
    )


_RAISE = _raise_statement()


def changed(document_id: UUID | str) -> Effect:
    """Return the effect that raises a document's counter and wakes who watches it."""
    return Together(_raise, str(document_id), turn="last")


async def _raise(connection: AsyncConnection, documents: Sequence[str]) -> Sequence[Effect]:
    """Raise counters: last of all and in one order, so that transactions never wait in a circle."""
    raised = sorted(Counter(documents).items())
    rows = [{"document_id": document, "changes": count} for document, count in raised]
    await connection.execute(_RAISE, rows)
    for document, _ in raised:
        notify_after_commit(connection, about(document))
    return []


async def changes_of(connection: AsyncConnection, document_id: UUID) -> int:
    """Return a document's counter: it differs whenever the document does."""
    counter = select(document_changes.c.changes).where(
        document_changes.c.document_id == str(document_id)
    )
    return await connection.scalar(counter) or 0


class ChangedDocuments:
    """Which documents have changed since somebody last took them."""

    def __init__(self) -> None:
        self.wakeup = Wakeup()
        self._found: set[str] = set()

    def hear(self, names: Collection[str]) -> None:
        """Remember the documents among what was notified."""
        found = {name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)}
        if found:
            self.found(found)

    def found(self, documents: Collection[str]) -> None:
        """Remember documents that are to be taken, for the first time or again."""
        self._found.update(documents)
        self.wakeup.notify()

    def take(self) -> set[str]:
        """Return them, and forget them."""
        taken, self._found = self._found, set()
        return taken


class Changes:
    """The watchers of one process. Enter it with the service: leaving ends all watching.

    While it is entered, what other processes committed is found by one look at the counters of all
    documents that are watched, every ``poll_interval_s``; and by another one at what changed lately
    if anybody watches for changes of whatever documents.
    """

    def __init__(self, database: Database, poll_interval_s: float) -> None:
        self.database = database
        self.closed = False
        self._poll_interval_s = poll_interval_s
        self._lent: dict[Wakeup, str] = {}
        self._of_all: list[ChangedDocuments] = []
        self._polling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._polling = asyncio.create_task(self._poll(), name="changes")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed = True
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait({self._polling})
        for wakeup in (*self._lent, *(changed.wakeup for changed in self._of_all)):
            wakeup.notify()

    @contextmanager
    def watching(self, document_id: UUID) -> Iterator[Wakeup]:
        """Lend a wakeup that is notified when the document has changed."""
        name = about(document_id)
        with self.database.wakeups.listening(name) as wakeup:
            self._lent[wakeup] = str(document_id)
            try:
                yield wakeup
            finally:
                del self._lent[wakeup]

    @contextmanager
    def watching_all(self) -> Iterator[ChangedDocuments]:
        """Lend what is told of all documents that change."""
        changed = ChangedDocuments()
        with self.database.wakeups.overhearing(changed.hear):
            self._of_all.append(changed)
            try:
                yield changed
            finally:
                self._of_all.remove(changed)

    @property
    def watchers(self) -> int:
        """How many wakeups are lent now."""
        return len(self._lent) + len(self._of_all)

    async def _poll(self) -> None:
        seen: dict[str, int] = {}
        seen_lately: Mapping[str, int] = {}
        looked_at = monotonic()
        while True:
            await asyncio.sleep(self._poll_interval_s)
            watched = sorted(set(self._lent.values()))
            looking_at = monotonic()
            try:
                now = await self._counters(watched)
                lately = await self._lately(looking_at - looked_at)
            except (LecternError, DBAPIError) as error:
                log.warning("no look for changes", error=type(error).__name__)
                continue
            # One that is new here may have changed since it was read: it is looked at once more.
            changed_now = {one for one in watched if seen.get(one) != now.get(one, 0)}
            changed_now |= {one for one in lately if seen_lately.get(one) != lately[one]}
            self.database.wakeups.hear([about(one) for one in sorted(changed_now)])
            seen = {one: now.get(one, 0) for one in watched}
            seen_lately, looked_at = lately, looking_at

    async def _counters(self, watched: Sequence[str]) -> dict[str, int]:
        counters = select(document_changes.c.document_id, document_changes.c.changes)
        about_watched = among(document_changes.c.document_id, watched)
        found = await self.database.fetch(counters.where(about_watched))
        return {row.document_id: row.changes for row in found}

    async def _lately(self, since_last_s: float) -> Mapping[str, int]:
        """Return the counters of what changed since the last look and a while before it."""
        if not self._of_all:
            return {}
        found = await self.database.fetch(_LATELY, {"seconds": LATELY_S + ceil(since_last_s)})
        return {row.document_id: row.changes for row in found}


def about(document_id: UUID | str) -> str:
    """Return the name that wakeups of a document have."""
    return f"{_PREFIX}{document_id}"
