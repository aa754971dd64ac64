"""Tells those who watch a document that something about it was committed.

Every event about a document raises its counter in the transaction that records it, so that a
watcher sees by one figure whether there is anything new, on whatever replica it happened. Watchers
of the same process are woken after the commit.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.engine import Database
from libs.common.database.wakeups import Wakeup, notify_after_commit
from libs.common.store.effects import Effect, Together
from services.gateway.kernel.tables import document_changes


def _raise_statement() -> Insert:
    new = insert(document_changes)
    raised = document_changes.c.changes + new.excluded.changes
    return new.on_conflict_do_update(
        index_elements=[document_changes.c.document_id], set_={"changes": raised}
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
        notify_after_commit(connection, _about(document))
    return []


async def changes_of(connection: AsyncConnection, document_id: UUID) -> int:
    """Return a document's counter: it differs whenever the document does."""
    counter = select(document_changes.c.changes).where(
        document_changes.c.document_id == str(document_id)
    )
    return await connection.scalar(counter) or 0


class Changes:
    """The watchers of one process. Enter it with the service: leaving ends all watching."""

    def __init__(self, database: Database, poll_interval_s: float) -> None:
        self.poll_interval_s = poll_interval_s
        self.closed = False
        self._database = database
        self._lent: set[Wakeup] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed = True
        for wakeup in self._lent:
            wakeup.notify()

    @contextmanager
    def watching(self, document_id: UUID) -> Iterator[Wakeup]:
        """Lend a wakeup that is notified when the document has changed."""
        with self._database.wakeups.listening(_about(str(document_id))) as wakeup:
            self._lent.add(wakeup)
            try:
                yield wakeup
            finally:
                self._lent.discard(wakeup)

    @property
    def watchers(self) -> int:
        """How many wakeups are lent now."""
        return len(self._lent)


def _about(document: str) -> str:
    return f"document/{document}"
