"""Server-sent events: a snapshot of a document's status, then what changes.

Source of the format: the HTML standard, section "Server-sent events". A client that comes back with
Last-Event-ID gets a snapshot like everybody else, so it misses nothing. Nothing is queued: a slow
client sees fewer and larger steps, because each step compares what it was sent with what is so now.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import uuid4

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
"""Between two looks at whether the caller may still see the document."""

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
    began = said_at = checked_at = monotonic()
    with changes.watching(feed.watch.document_id) as wakeup:
        parts = await feed.parts()
        yield _event("snapshot", _snapshot(parts))
        while not changes.closed and monotonic() < began + pace.longest_s:
            await wakeup.wait(min(pace.heartbeat_s, pace.check_s))
            try:
                if monotonic() >= checked_at + pace.check_s:
                    if not await allowed():
                        return
                    checked_at = monotonic()
                now = await feed.parts()
            except NotFound:
                yield _event("deleted", {"document_id": str(feed.watch.document_id)})
                return
            except Transient:
                return  # to be asked again by a client that comes back
            news = [] if now is parts else _differences(parts, now)
            parts = now
            for kind, value in news:
                yield _event(kind, value)
            if news:
                said_at = monotonic()
            elif monotonic() >= said_at + pace.heartbeat_s:
                yield ": alive\n\n"
                said_at = monotonic()
            await asyncio.sleep(pace.pause_s)


def _snapshot(parts: Parts) -> dict[str, Any]:
    def of(wanted: str) -> list[dict[str, Any]]:
        return [value for (kind, _), value in parts.items() if kind == wanted]

    return {
        "document": of("document")[0],
        "pages": of("page"),
        "audios": of("audio"),
        "narrations": of("narration"),
    }


def _differences(before: Parts, now: Parts) -> list[News]:
    news: list[News] = [
        (f"{kind}_deleted", {f"{kind}_id": name}) for kind, name in before.keys() - now.keys()
    ]
    return news + [
        (kind, value) for (kind, name), value in now.items() if before.get((kind, name)) != value
    ]


def _event(kind: str, value: dict[str, Any]) -> str:
    """One event; the id tells a client that it may resume, though it need not be understood."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\nid: {uuid4().hex}\ndata: {data}\n\n"
