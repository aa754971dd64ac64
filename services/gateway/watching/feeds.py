"""What all who watch one document share: its status is read once for each change, not for each.

Parts of a status are compared one by one, so they are kept as what is sent of them.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from libs.common.database.wakeups import Wakeup
from services.gateway.kernel.changes import Changes, about
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.kernel.views import View
from services.gateway.watching.status import Status, Watch

Parts = dict[tuple[str, str], dict[str, Any]]
"""What is compared one by one, by kind and identity."""


@dataclass(kw_only=True)
class Feed:
    """One document, as long as anybody watches it."""

    watch: Watch
    told: Wakeup
    closing: ExitStack
    watchers: int = 0
    looks: int = 0
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _told_before: int = -1
    _changes: int | None = None
    _parts: Parts = field(default_factory=dict)
    _gone: bool = False

    async def parts(self) -> Parts:
        """Return the status as of the last change; the same object while nothing changed.

        Raises:
            NotFound: There is no such document, or no longer.
            Unavailable: The database cannot be reached.
        """
        async with self._looking:
            if self._gone:
                raise NotFound("document")
            if self._told_before != self.told.notified:
                await self._look()
            return self._parts

    async def _look(self) -> None:
        told = self.told.notified
        self.looks += 1
        try:
            self._changes, status = await self.watch.look(self._changes)
        except NotFound:
            self._gone = True
            raise
        self._told_before = told
        if status is not None:
            self._parts = _parts(status)


@dataclass(frozen=True)
class Feeds:
    """The feeds of one process."""

    changes: Changes
    limits: GatewayLimits
    _open: dict[UUID, Feed] = field(default_factory=dict)

    @contextmanager
    def of(self, document_id: UUID) -> Iterator[Feed]:
        """Lend the feed of a document."""
        feed = self._open.get(document_id) or self._opened(document_id)
        feed.watchers += 1
        try:
            yield feed
        finally:
            feed.watchers -= 1
            if not feed.watchers:
                del self._open[document_id]
                feed.closing.close()

    def _opened(self, document_id: UUID) -> Feed:
        database, closing = self.changes.database, ExitStack()
        told = closing.enter_context(database.wakeups.listening(about(document_id)))
        watch = Watch(database, self.limits, document_id)
        feed = Feed(watch=watch, told=told, closing=closing)
        self._open[document_id] = feed
        return feed


def _parts(status: Status) -> Parts:
    views: list[tuple[str, str, View]] = [("document", "", status.document)]
    views += [("page", str(page.page), page) for page in status.pages]
    views += [("audio", str(audio.audio_id), audio) for audio in status.audios]
    views += [("narration", str(view.narration_id), view) for view in status.narrations]
    return {(kind, name): view.model_dump(mode="json") for kind, name, view in views}
