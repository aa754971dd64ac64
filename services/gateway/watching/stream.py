"""Server-sent events: a snapshot of a document's status, then what changes.

Source of the format: the HTML standard, section "Server-sent events". Events have no ids, for there
is nothing to resume: a client that comes back gets a snapshot like everybody else, so it misses
nothing. Nothing is queued: a slow client sees fewer and larger steps, because each step compares
what it was sent with what is so now.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from libs.common.database.wakeups import Wakeup
from libs.common.errors import Transient
from services.gateway.kernel.changes import Changes
from services.gateway.kernel.errors import NotFound
from services.gateway.watching.feeds import Feed, Parts

HEARTBEAT_S = 15.0
LONGEST_S = 60 * 60.0
"""Then the stream ends and the client comes back by itself."""
PAUSE_S = 0.1
"""Between two looks, however often it is woken."""
CHECK_S = 30.0
"""Between two looks at whether the caller may still see what is told."""

News = tuple[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class StreamPace:
    """How often a stream looks and says that it lives, in seconds."""

    heartbeat_s: float = HEARTBEAT_S
    longest_s: float = LONGEST_S
    pause_s: float = PAUSE_S
    check_s: float = CHECK_S


async def status_events(
    feed: Feed, changes: Changes, allowed: Callable[[], Awaitable[bool]], pace: StreamPace
) -> AsyncGenerator[str, None]:
    """Yield the stream: until the document is gone, the caller may not see it, or a stop.

    Raises:
        NotFound: There is no such document for the caller; raised before anything is yielded.
    """
    if not await allowed():
        raise NotFound("document")
    heartbeat = Heartbeat(pace.heartbeat_s)
    with changes.watching(feed.watch.document_id) as wakeup:
        parts = await feed.parts()
        yield event_text("snapshot", snapshot_of(parts))
        async with aclosing(turns(wakeup, pace, allowed, lambda: changes.closed)) as all_turns:
            async for _ in all_turns:
                try:
                    now = await feed.parts()
                except NotFound:
                    yield event_text("deleted", {"document_id": str(feed.watch.document_id)})
                    return
                except Transient:
                    return  # to be asked again by a client that comes back
                news = [] if now is parts else differences(parts, now)
                parts = now
                for text in heartbeat.texts(news):
                    yield text


async def turns(
    wakeup: Wakeup,
    pace: StreamPace,
    allowed: Callable[[], Awaitable[bool]],
    closed: Callable[[], bool],
) -> AsyncGenerator[None, None]:
    """Yield whenever a stream is to look, until it has lasted long, is closed or not allowed."""
    began = checked_at = monotonic()
    while not closed() and monotonic() < began + pace.longest_s:
        await wakeup.wait(min(pace.heartbeat_s, pace.check_s))
        if monotonic() >= checked_at + pace.check_s:
            try:
                if not await allowed():
                    return
            except Transient:
                return
            checked_at = monotonic()
        yield
        await asyncio.sleep(pace.pause_s)


@dataclass
class Heartbeat:
    """Says from time to time that a stream lives, in seconds, when there is nothing else to say."""

    every_s: float
    _said_at: float = field(default_factory=monotonic)

    def texts(self, news: list[News]) -> list[str]:
        """Return what is sent: the news, or a comment if nothing was sent for long."""
        texts = [event_text(kind, value) for kind, value in news]
        if not texts and monotonic() >= self._said_at + self.every_s:
            texts = [": alive\n\n"]
        if texts:
            self._said_at = monotonic()
        return texts


def snapshot_of(parts: Parts) -> dict[str, Any]:
    """Return the data of a snapshot."""

    def of(wanted: str) -> list[dict[str, Any]]:
        return [value for (kind, _), value in parts.items() if kind == wanted]

    (document,) = of("document")
    return {
        "document_id": document["document_id"],
        "document": document,
        "pages": of("page"),
        "audios": of("audio"),
        "narrations": of("narration"),
    }


def differences(before: Parts, now: Parts) -> list[News]:
    """Return what is told to somebody who knows ``before``."""
    document_id = now["document", ""]["document_id"]
    news: list[News] = [
        ("audio_deleted", {"document_id": document_id, "audio_id": name})
        for kind, name in before.keys() - now.keys()
        if kind == "audio"  # of narrations, the oldest are not shown any more
    ]
    return news + [
        (kind, value) for (kind, name), value in now.items() if before.get((kind, name)) != value
    ]


def event_text(kind: str, value: dict[str, Any]) -> str:
    """Return one event as it is sent."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {data}\n\n"
