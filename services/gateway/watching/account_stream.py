"""Server-sent events about all documents that a user sees, their own and those shared with them.

There is no snapshot of everything, for lists of documents give that. The first event is ``ready``:
what is committed after it is told, so whoever reads the lists once it came misses nothing. The
first thing that is told of a document is its snapshot, whatever changed; what follows is told as to
those who watch this document alone. Only so many documents are known by heart; of one that was
forgotten a snapshot is told again.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.common.contracts.cloudevents import rfc3339
from libs.common.errors import Transient
from services.gateway.kernel.errors import NotFound
from services.gateway.watching.account_feeds import AccountFeed
from services.gateway.watching.audience import Audience
from services.gateway.watching.feeds import Feed, Feeds, Parts
from services.gateway.watching.stream import (
    Heartbeat,
    News,
    StreamPace,
    differences,
    event_text,
    snapshot_of,
    turns,
)

KNOWN_BY_HEART = 20
"""Documents that a stream compares with what it told of them."""
CLOCKS_DIFFER = timedelta(minutes=1)
"""At most, those of processes that decide when something ends."""


async def account_events(
    feed: AccountFeed, feeds: Feeds, allowed: Callable[[], Awaitable[bool]], pace: StreamPace
) -> AsyncGenerator[str, None]:
    """Yield the stream: until it is not allowed any more, has lasted long, or a stop."""
    now, heartbeat = datetime.now(UTC), Heartbeat(pace.heartbeat_s)
    with ExitStack() as closing:
        told = ToldDocuments(feeds=feeds, user_id=feed.user_id, since=rfc3339(now - CLOCKS_DIFFER))
        closing.callback(told.forget_all)
        yield event_text("ready", {"since": rfc3339(now)})
        async with aclosing(turns(feed.wakeup, pace, allowed, lambda: feed.ended)) as all_turns:
            async for _ in all_turns:
                for document_id in feed.changed:
                    try:
                        news = await told.news(document_id, feed.take(document_id))
                    except Transient:
                        return  # to be asked again by a client that comes back
                    for text in heartbeat.texts(news):
                        yield text
                for text in heartbeat.texts([]):
                    yield text


@dataclass
class KnownDocument:
    """A document of which something was told, and what."""

    feed: Feed
    closing: ExitStack
    parts: Parts | None = None


@dataclass(kw_only=True)
class ToldDocuments:
    """What one stream has told ``user_id`` of documents ``since`` it began, RFC 3339 in UTC."""

    feeds: Feeds
    user_id: UUID
    since: str
    _known: dict[UUID, KnownDocument] = field(default_factory=dict)
    _ended: set[UUID] = field(default_factory=set)

    async def news(self, document_id: UUID, audience: Audience) -> list[News]:
        """Return what is to be told of a document that changed, if it is theirs to see.

        Raises:
            Unavailable: The database cannot be reached.
        """
        if self.user_id not in audience.seen_by:
            lost_lately = audience.lost_by.get(self.user_id, "") > self.since
            return self._end(document_id) if lost_lately else []
        self._ended.discard(document_id)
        known = self._remember(document_id)
        try:
            now = await known.feed.parts()
        except NotFound:
            return self._end(document_id)
        before, known.parts = known.parts, now
        if before is None:
            return [("snapshot", snapshot_of(now))]
        return [] if now is before else differences(before, now)

    def forget_all(self) -> None:
        """Forget all documents: nothing more is told of them."""
        for document_id in list(self._known):
            self._forget(document_id)

    def _remember(self, document_id: UUID) -> KnownDocument:
        known = self._known.pop(document_id, None)
        if known is None:
            closing = ExitStack()
            feed = closing.enter_context(self.feeds.of(document_id))
            known = KnownDocument(feed, closing)
        self._known[document_id] = known  # the last one, and the last to be forgotten
        if len(self._known) > KNOWN_BY_HEART:
            self._forget(next(iter(self._known)))
        return known

    def _forget(self, document_id: UUID) -> None:
        self._known.pop(document_id).closing.close()

    def _end(self, document_id: UUID) -> list[News]:
        if document_id in self._known:
            self._forget(document_id)
        if document_id in self._ended:
            return []
        self._ended.add(document_id)
        return [("deleted", {"document_id": str(document_id)})]
