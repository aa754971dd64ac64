"""Tells the streams of all accounts which documents changed, and who sees these: by one look.

A stream is told of the documents that its user sees, or saw until then, and of no other. While no
document changes, nobody is woken; what shares ended by themselves is looked for now and then, once
for everybody.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from libs.common.database.wakeups import Wakeup
from libs.common.errors import LecternError
from services.gateway.kernel.changes import ChangedDocuments, Changes
from services.gateway.sharing.selects import documents_expired
from services.gateway.watching.audience import Audience, audiences_of
from services.gateway.watching.stream import CHECK_S, PAUSE_S

log = structlog.get_logger(__name__)

DOCUMENTS_PER_LOOK = 500
RETRY_S = 1.0


@dataclass(kw_only=True, eq=False)
class AccountFeed:
    """What one stream of a user is still to tell; ``ended`` if it will hear of nothing more."""

    user_id: UUID
    wakeup: Wakeup = field(default_factory=Wakeup)
    ended: bool = False
    _changed: dict[UUID, Audience] = field(default_factory=dict)

    def tell(self, document_id: UUID, audience: Audience) -> None:
        """Have it told that a document changed, and who sees it now."""
        self._changed[document_id] = audience
        self.wakeup.notify()

    def end(self) -> None:
        """Have the stream end."""
        self.ended = True
        self.wakeup.notify()

    @property
    def changed(self) -> Sequence[UUID]:
        """The documents that changed and were not taken yet."""
        return tuple(self._changed)

    def take(self, document_id: UUID) -> Audience:
        """Return who sees one of them by now."""
        return self._changed.pop(document_id)


@dataclass(kw_only=True)
class AccountFeeds:
    """The feeds of one process. ``looks`` counts the times that it was asked who sees what."""

    changes: Changes
    check_s: float = CHECK_S
    looks: int = 0
    _open: dict[UUID, list[AccountFeed]] = field(default_factory=dict)
    _closing: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def of(self, user_id: UUID) -> Iterator[AccountFeed]:
        """Lend a feed of what a user sees; whatever is committed from now on comes to it."""
        feed = AccountFeed(user_id=user_id)
        if not self._open:
            self._begin()
        self._open.setdefault(user_id, []).append(feed)
        try:
            yield feed
        finally:
            self._open[user_id].remove(feed)
            if not self._open[user_id]:
                del self._open[user_id]
            if not self._open:
                self._closing.close()

    def _begin(self) -> None:
        changed = self._closing.enter_context(self.changes.watching_all())
        looking = asyncio.create_task(self._look_on(changed), name="account feeds")
        self._closing.callback(looking.cancel)

    async def _look_on(self, changed: ChangedDocuments) -> None:
        looked_at = datetime.now(UTC)
        try:
            while not self.changes.closed:
                await changed.wakeup.wait(self.check_s)
                taken, now = changed.take(), datetime.now(UTC)
                try:
                    if now - looked_at >= timedelta(seconds=self.check_s):
                        taken |= await self._expired(looked_at, now)
                        looked_at = now
                    await self._look(taken)
                except (LecternError, DBAPIError) as error:
                    log.warning("no look at who sees what changed", error=type(error).__name__)
                    changed.found(taken)
                    await asyncio.sleep(RETRY_S)
                await asyncio.sleep(PAUSE_S)
        finally:
            for feeds in self._open.values():
                for feed in feeds:
                    feed.end()

    async def _expired(self, since: datetime, until: datetime) -> set[str]:
        async with self.changes.database.reading() as connection:
            found = await documents_expired(connection, self._open, since, until)
        return {str(document_id) for document_id in found}

    async def _look(self, documents: set[str]) -> None:
        ids = [UUID(document_id) for document_id in sorted(documents)]
        for start in range(0, len(ids), DOCUMENTS_PER_LOOK):
            self.looks += 1
            chosen = ids[start : start + DOCUMENTS_PER_LOOK]
            async with self.changes.database.reading() as connection:
                audiences = await audiences_of(connection, chosen, datetime.now(UTC))
            for document_id, audience in audiences.items():
                for user_id in (*audience.seen_by, *audience.lost_by):
                    for feed in self._open.get(user_id, ()):
                        feed.tell(document_id, audience)
