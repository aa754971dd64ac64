"""Wakes those who watch a document, as soon as something about it was committed.

Whoever changes a document marks it inside the transaction; the bells ring when the transaction's
connection goes back to the pool, which is after the commit. What another replica commits is found
by asking again after a while, so nothing depends on a bell.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import Bell, Database
from libs.common.effects import Effect, Together
from libs.common.events import Event

MARKS = "lectern_changed_documents"


def changed(happened: Event) -> Effect:
    """Return the effect that marks the document of an event as changed; others mark nothing."""
    return Together(_mark, getattr(happened, "document_id", None))


async def _mark(connection: AsyncConnection, documents: Sequence[UUID | None]) -> list[Effect]:
    changed = {str(each) for each in documents if each is not None}
    connection.info.setdefault(MARKS, set()).update(changed)
    return []


class Changes:
    """The bells of one process. Enter it with the service: leaving ends all watching."""

    def __init__(self, database: Database, poll_interval_s: float = 1.0) -> None:
        self.poll_interval_s = poll_interval_s
        self.closed = False
        self._bells: dict[str, set[Bell]] = {}
        event.listen(database.engine.sync_engine, "checkin", self._returned)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed = True
        for bells in self._bells.values():
            for bell in bells:
                bell.ring()

    @contextmanager
    def watching(self, document_id: UUID) -> Iterator[Bell]:
        """Lend a bell that rings when the document has changed, perhaps several times at once."""
        bell, key = Bell(), str(document_id)
        self._bells.setdefault(key, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[key].discard(bell)
            if not self._bells[key]:
                del self._bells[key]

    @property
    def watchers(self) -> int:
        """How many bells are lent now."""
        return sum(map(len, self._bells.values()))

    def _returned(self, connection: Any, record: Any) -> None:
        """A connection is back in the pool: its transaction is over."""
        for document_id in record.info.pop(MARKS, ()):
            for bell in self._bells.get(document_id, ()):
                bell.ring()
